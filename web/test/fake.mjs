// Serves dist/ and the API of a paper cluster, under the content policy of embed.go.
//
//	node test/fake.mjs [port]     a death and a return, again and again
import http from "node:http";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PaperCluster } from "./cluster.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, "..", "dist");
const kinds = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

async function contentPolicy() {
  const source = await readFile(path.join(here, "..", "embed.go"), "utf8");
  return /contentPolicy = "([^"]+)"/.exec(source)[1];
}

function json(response, status, value) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(value));
}

// How the API answers, by method and path.
function answers(cluster, asked) {
  return async (request, response, url) => {
    const route = `${request.method} ${url.pathname.replace("/api/v1/", "")}`;
    if (url.searchParams.get("force") === "true") asked.push("forced");
    const order = /^POST edges\/([^/]+)\/(drain|resume|remove)$/.exec(route);
    const preview = /^GET edges\/([^/]+)\/(drain|remove)$/.exec(route);
    const limit = Number(url.searchParams.get("limit") ?? 100);
    asked.push(route);
    if (order) return cluster[order[2] === "drain" ? "drain" : "ready"](order[1]), json(response, 200, {});
    if (preview) return json(response, 200, cluster.preview(preview[1], preview[2]));
    if (route.startsWith("DELETE sessions/")) return json(response, 409, { error: "the session has ended already", reason: "gone" });
    switch (route) {
      case "GET demo": return json(response, 200, { viewers: [], streams: [], nodes: cluster.edges.map((e) => ({ name: e.name, role: "edge", state: "up", acts: ["kill", "stop"] })) });
      case "GET status": return json(response, 200, cluster.status());
      case "GET streams": return json(response, 200, cluster.streams());
      case "GET sessions": return json(response, 200, cluster.sessions(limit));
      case "GET receipts": return json(response, 200, cluster.receipts.length > 0 ? cluster.receipts : null); // as Go writes an empty list
      case "GET history": return json(response, 200, cluster.history.slice(0, limit));
      case "POST purge": return json(response, 200, { seq: 9, removed: Object.fromEntries(cluster.edges.map((e, i) => [e.name, 40 + i])), failed: [] });
      case "POST admission": return json(response, 200, {});
      default: return json(response, 404, { error: `no ${route}`, reason: "path" });
    }
  };
}

function stream(cluster, response, streams) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  const send = (kind, value) => response.write(`event: ${kind}\ndata: ${JSON.stringify(value)}\n\n`);
  cluster.listeners.add(send);
  streams.add(response);
  const beat = setInterval(() => send("status", cluster.status()), 500);
  send("status", cluster.status());
  response.on("close", () => { clearInterval(beat); cluster.listeners.delete(send); streams.delete(response); });
}

async function body(request) {
  let text = "";
  for await (const part of request) text += part;
  return text;
}

// Starts a server at 127.0.0.1; broken: answers 503 as long as it is true.
export async function serve(cluster, port = 0) {
  const asked = [];
  const streams = new Set();
  const policy = await contentPolicy();
  const api = answers(cluster, asked);
  const fake = { asked, broken: false, refused: 0, self: { name: "anybody", role: "admin", by: "open", login: [] }, cut: () => { for (const s of streams) s.destroy(); } };
  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, "http://fake");
    if (url.pathname === "/auth/me") return json(response, 200, fake.self);
    if (url.pathname === "/auth/login") { // one token is good: that of a viewer
      const shown = await body(request);
      if (shown.includes("elsewhere")) return json(response, 403, { error: "this listener is not called by that name; its names are --admin-hosts", reason: "host" });
      if (!shown.includes("good")) return json(response, 401, { error: "nobody has this token", reason: "login" });
      fake.self = { name: "anna", role: "viewer", by: "login", login: ["token"] };
      return json(response, 200, fake.self);
    }
    if (url.pathname.startsWith("/api/") && fake.broken) return json(response, 503, { error: "no balancer leads at present; ask again", reason: "no_quorum" });
    if (url.pathname.startsWith("/api/") && fake.self.role === "nobody" && ++fake.refused) return json(response, 401, { error: "log in, or show a token (TANDEM_TOKEN): this is for viewers", reason: "login" });
    if (url.pathname === "/api/v1/events") return stream(cluster, response, streams);
    if (url.pathname.startsWith("/api/")) return api(request, response, url);
    const name = url.pathname === "/" ? "/index.html" : path.posix.normalize(url.pathname);
    try {
      const body = await readFile(path.join(dist, name));
      response.writeHead(200, { "Content-Type": kinds[path.extname(name)] ?? "text/plain", "Content-Security-Policy": policy });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((ready) => server.listen(port, "127.0.0.1", ready));
  fake.url = `http://127.0.0.1:${server.address().port}/`;
  fake.close = () => { fake.cut(); server.close(); };
  return fake;
}

// Plays a death and a return, for whoever looks at the page while changing it.
async function play(cluster) {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  for (let i = 0; ; i = (i + 1) % cluster.edges.length) {
    const name = cluster.edges[i].name;
    await pause(5000);
    cluster.kill(name);
    await pause(5000);
    for (let share = 0; share < 1; share += 0.05) {
      cluster.copy(name, share);
      await pause(250);
    }
    cluster.ready(name);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const cluster = new PaperCluster();
  const fake = await serve(cluster, Number(process.argv[2] ?? 0));
  console.log(fake.url);
  await play(cluster);
}
