// The cluster in one sentence. Pure: the words follow from the status alone.
import { plural, sentenceList } from "./format";
import type { EdgeStatus, PairStatus, Run, Status } from "./wire";

export interface Sentence {
  tone: "good" | "warn" | "bad";
  text: string; // the state, without a number that changes every second where there is trouble
  more: string; // what follows from it
}

function within(taken: readonly Run[], from: number, to: number): number {
  return taken.reduce((sum, run) => sum + Math.max(0, Math.min(run.to, to) - Math.max(run.from, from)), 0);
}

// Sessions that are the missing edge's at home, by the edge that delivers them now.
export function standins(missing: string, pairs: readonly PairStatus[]): Map<string, number> {
  const held = new Map<string, number>();
  const add = (edge: string, sessions: number): void => {
    if (sessions > 0) held.set(edge, (held.get(edge) ?? 0) + sessions);
  };
  for (const pair of pairs) {
    if (pair.low !== missing && pair.high !== missing) continue;
    const [from, to] = pair.low === missing ? [0, pair.home] : [pair.home, pair.slots];
    if (pair.adopted && pair.adopted.length > 0) {
      for (const a of pair.adopted) add(a.edge, within(pair.taken, Math.max(from, a.from), Math.min(to, a.to)));
    } else if (pair.low === missing) {
      add(pair.high, within(pair.taken, Math.max(from, pair.boundary), to));
    } else {
      add(pair.low, within(pair.taken, from, Math.min(to, pair.boundary)));
    }
  }
  return held;
}

// What the next failure would cost, in the balancer's word where it gives one: the page
// never says more than its head.
export function survival(status: Status): "yes" | "no" | "unknown" {
  if (status.verdict) return status.verdict.survives_next;
  if (!status.majority) return "unknown";
  return survivesNext(status.edges) ? "yes" : "no";
}

export function survivesNext(edges: readonly EdgeStatus[]): boolean {
  const alive = edges.filter((e) => e.state === "up" || e.state === "draining");
  return alive.length > 1 && alive.every((e) => e.margin >= 0);
}

function whereAreTheViewers(edge: EdgeStatus, pairs: readonly PairStatus[]): string {
  const held = standins(edge.name, pairs);
  const sessions = [...held.values()].reduce((a, b) => a + b, 0);
  if (sessions === 0) return edge.state === "down" ? "none of its viewers is waiting" : "nobody is served in its place";
  return `its ${plural(sessions, "viewer")} ${sessions === 1 ? "is" : "are"} on ${sentenceList([...held.keys()])}`;
}

export function sentence(status: Status): Sentence {
  const { edges, pairs } = status;
  if (edges.length === 0) return { tone: "warn", text: "No edge has registered yet", more: "Start one with: tandem edge --balancers …" };
  const survived = survivesNext(edges);
  const zone = status.zones.find((z) => z.lost > 0);
  const lost = zone ? ` The loss of ${zone.zone} (${sentenceList(zone.edges)}) would cost ${plural(zone.lost, "session")}.` : "";
  const next = (survived ? "The next failure is survived." : "The next failure is not survived: somebody would lose capacity.") + lost;
  const up = edges.filter((e) => e.state === "up").length;
  const parts: string[] = [];
  for (const e of edges.filter((x) => x.state === "down")) parts.push(`${e.name} is down: ${whereAreTheViewers(e, pairs)}`);
  for (const e of edges.filter((x) => x.state === "silent")) {
    const by = e.stand_ins ?? [];
    parts.push(`${e.name} is silent, ${sentenceList(by)} ${by.length === 1 ? "stands" : "stand"} in`);
  }
  for (const e of edges.filter((x) => x.state === "recovering")) parts.push(`${e.name} is back and copies: ${whereAreTheViewers(e, pairs)}`);
  for (const e of edges.filter((x) => x.state === "draining" || x.state === "leaving" || x.state === "joining")) parts.push(`${e.name} is ${e.state}`);
  for (const e of edges.filter((x) => x.state === "pending" || (x.asks ?? 0) > 0)) parts.push(`${e.name} waits to be accepted`);
  const counts = `${plural(up, "edge")} up, ${plural(status.sessions, "session")}`;
  const over = edges.filter((e) => e.delivering > e.capacity).map((e) => e.name);
  if (over.length > 0) parts.push(`${sentenceList(over)} above capacity`);
  const leaderless = status.majority ? "" : "No majority of the balancers: sessions go on, the placement can't change. ";
  if (parts.length === 0) {
    return { tone: leaderless || !survived ? "warn" : "good", text: `${counts}, nobody waits for an edge`, more: leaderless + next };
  }
  const bad = edges.some((e) => e.state === "down" || e.state === "silent") || over.length > 0 || !survived;
  const shown = parts.length > 3 ? [...parts.slice(0, 3), `${parts.length - 3} more`] : parts;
  return { tone: bad ? "bad" : "warn", text: shown.join("; "), more: `${leaderless}${counts}. ${next}` };
}
