// What the page asks of the balancer that served it. An answer that is not as
// wire.ts says becomes a Problem: one line, for people.
import type { Demo, Happening, Preview, PurgeAnswer, Receipt, SessionInfo, SessionList, Status, StreamStatus } from "./wire";

const base = "api/v1/";
const patience = 10_000; // milliseconds until a silent balancer counts as no answer

export class Problem extends Error {
  constructor(text: string, readonly status = 0) { // 0: there was no answer, or none that is understood
    super(text);
  }
}

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const what = `${method} /${base}${path.split("?")[0]}`;
  let answer: Response;
  try {
    answer = await fetch(base + path, {
      method,
      cache: "no-store",
      signal: AbortSignal.timeout(patience),
      ...(body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    });
  } catch (error) {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new Problem(`${what}: ${late ? `no answer within ${patience / 1000} s` : "the balancer can't be reached"}`);
  }
  const text = await answer.text().catch(() => "");
  let value: unknown;
  try {
    value = text === "" ? null : JSON.parse(text);
  } catch {
    throw new Problem(`${what} answered ${answer.status} with something that is not JSON`);
  }
  if (!answer.ok) {
    const said = isFields(value) && typeof value.error === "string" ? `: ${value.error}` : "";
    throw new Problem(`${what} answered ${answer.status}${said}`, answer.status);
  }
  return value;
}

function misshapen(what: string): Problem {
  return new Problem(`/${base}${what} answered in a form that this page doesn't know: reload it, or bring balancers and page to one version`);
}

// Go writes an empty list as null.
function list<T>(value: unknown, what: string): T[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw misshapen(what);
  return value as T[];
}

export function asStatus(value: unknown): Status {
  if (!isFields(value) || typeof value.version !== "number") throw misshapen("status");
  const status = value as unknown as Status;
  return {
    ...status,
    edges: list(value.edges, "status"),
    balancers: list(value.balancers, "status"),
    zones: list(value.zones, "status"),
    pairs: list<Status["pairs"][number]>(value.pairs, "status").map((p) => ({ ...p, taken: p.taken ?? [], adopted: p.adopted ?? [] })),
  };
}

export function asHappening(value: unknown): Happening {
  if (!isFields(value) || typeof value.kind !== "string") throw misshapen("events");
  return value as unknown as Happening;
}

export async function getStatus(): Promise<Status> {
  return asStatus(await ask("GET", "status"));
}

export async function getStreams(): Promise<StreamStatus[]> {
  const streams = list<StreamStatus>(await ask("GET", "streams"), "streams");
  return streams.map((s) => ({ ...s, pairs: s.pairs ?? [], edges: s.edges ?? [] }));
}

export async function getSessions(limit: number): Promise<SessionList> {
  const value = await ask("GET", `sessions?limit=${limit}`);
  if (!isFields(value)) throw misshapen("sessions");
  return { total: Number(value.total) || 0, sessions: list(value.sessions, "sessions") };
}

export async function getReceipts(): Promise<Receipt[]> {
  const receipts = list<Receipt>(await ask("GET", "receipts"), "receipts");
  return receipts.map((r) => ({ ...r, boundaries: r.boundaries ?? [] }));
}

export async function getHistory(limit: number): Promise<Happening[]> {
  return list<Happening>(await ask("GET", `history?limit=${limit}`), "history").map(asHappening);
}

export type Order = "drain" | "resume" | "remove" | "accept";

export async function getPreview(edge: string, order: Order): Promise<Preview> {
  const value = await ask("GET", `edges/${encodeURIComponent(edge)}/${order}`);
  if (!isFields(value)) throw misshapen(`edges/…/${order}`);
  return { ...(value as unknown as Preview), boundaries: list(value.boundaries, `edges/…/${order}`) };
}

// An order that would lose sessions is refused unless it is forced.
export async function command(edge: string, order: Order, force: boolean): Promise<void> {
  await ask("POST", `edges/${encodeURIComponent(edge)}/${order}${force ? "?force=true" : ""}`);
}

export async function endSession(s: SessionInfo): Promise<void> {
  await ask("DELETE", `sessions/${s.pair}-${s.slot}-${s.generation}`);
}

export async function purge(prefix: string, exact: boolean): Promise<PurgeAnswer> {
  const value = await ask("POST", "purge", { prefix, exact });
  if (!isFields(value)) throw misshapen("purge");
  return { seq: Number(value.seq) || 0, removed: (value.removed ?? {}) as Record<string, number>, failed: list(value.failed, "purge") };
}

export async function admit(admission: string): Promise<void> {
  await ask("POST", "admission", { admission });
}

export type Act = "kill" | "stop" | "cut" | "start";

function asDemo(value: unknown): Demo {
  if (!isFields(value)) throw misshapen("demo");
  return { nodes: list(value.nodes, "demo"), viewers: list(value.viewers, "demo"), streams: list(value.streams, "demo") };
}

export async function getDemo(): Promise<Demo> {
  return asDemo(await ask("GET", "demo"));
}

export async function actOn(node: string, act: Act): Promise<Demo> {
  return asDemo(await ask("POST", `demo/nodes/${encodeURIComponent(node)}/${act}`));
}

export const eventsAddress = `${base}events`;
