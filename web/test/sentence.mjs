// What the page says of a cluster, without a browser.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";
import { PaperCluster } from "./cluster.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const built = await esbuild.build({ entryPoints: [path.join(here, "../ui/sentence.ts")], bundle: true, format: "esm", write: false });
const { sentence, standins, survival } = await import(`data:text/javascript;base64,${Buffer.from(built.outputFiles[0].contents).toString("base64")}`);

test("a calm cluster", () => {
  assert.deepEqual(sentence(new PaperCluster().status()), { tone: "good", text: "4 edges up, 64 sessions, nobody waits for an edge", more: "The next failure is survived." });
});

test("a death: every session of the dead edge is accounted for", () => {
  const cluster = new PaperCluster();
  for (const { name } of cluster.edges) {
    const had = cluster.delivering(name);
    cluster.kill(name);
    const held = standins(name, cluster.status().pairs);
    assert.equal([...held.values()].reduce((a, b) => a + b, 0), had);
    assert.equal(sentence(cluster.status()).tone, "bad");
    cluster.ready(name);
  }
});

test("a pair without members is delivered by those who adopted it", () => {
  const pair = { id: 1, low: "a", high: "b", slots: 10, boundary: 5, home: 5, taken: [{ from: 0, to: 4 }, { from: 7, to: 10 }], adopted: [{ edge: "d", from: 0, to: 3 }, { edge: "c", from: 3, to: 10 }] };
  assert.deepEqual([...standins("a", [pair])], [["d", 3], ["c", 1]]);
  assert.deepEqual([...standins("b", [pair])], [["c", 3]]);
});

test("a margin below zero is said, whoever has it", () => {
  const status = new PaperCluster().status();
  status.edges[2].margin = -1;
  assert.equal(sentence(status).tone, "warn");
  assert.match(sentence(status).more, /not survived/);
});

test("a zone whose loss would cost somebody, an edge that waits", () => {
  const status = new PaperCluster().status();
  const zones = [{ zone: "rack-1", edges: ["edge-1", "edge-3"], lost: 0, given: 0, margin: 4 }, { zone: "rack-2", edges: ["edge-2", "edge-4"], lost: 7, given: 3, margin: -7 }];
  assert.match(sentence({ ...status, zones }).more, /The loss of rack-2 \(edge-2 and edge-4\) would cost 7 sessions\.$/);
  const edges = [...status.edges, { ...status.edges[0], name: "edge-5", state: "pending" }, { ...status.edges[0], name: "edge-6", asks: 500 }];
  assert.match(sentence({ ...status, edges }).text, /^edge-5 waits to be accepted; edge-6 waits to be accepted$/);
});

test("what the next failure costs is what the balancer says", () => {
  const status = new PaperCluster().status();
  assert.equal(survival(status), "yes");
  assert.equal(survival({ ...status, majority: false }), "unknown");
  for (const survives_next of ["yes", "no", "unknown"]) assert.equal(survival({ ...status, verdict: { level: "good", text: "", more: "", survives_next } }), survives_next);
  status.edges[1].margin = -1;
  assert.equal(survival(status), "no");
});

test("nobody leads, nobody is there", () => {
  const status = new PaperCluster().status();
  assert.match(sentence({ ...status, leader: "", majority: false }).more, /^No majority of the balancers/);
  const silent = sentence({ ...status, leader: "", majority: false, edges: status.edges.map((e, i) => i === 0 ? { ...e, state: "silent", stand_ins: ["edge-2"] } : e) });
  assert.equal(silent.tone, "bad");
  assert.match(silent.text, /^edge-1 is silent, edge-2 stands in$/);
  assert.match(silent.more, /^No majority/);
  assert.match(sentence({ ...status, edges: [], pairs: [] }).text, /^No edge/);
});
