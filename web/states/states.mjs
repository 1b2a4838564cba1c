// The states that a cluster can be in, each made to happen, and what has to be said of it.
// A scene is a demo; its states come one after the other. look waits until a balancer says
// the words, and compares the places where they are said.
import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { older, skewed } from "./binaries.mjs";

const run = promisify(execFile);
const survived = "The next failure is survived.";

async function edges(w, look) {
  await w.viewers(24);
  await look("calm", ["4 edges up", "nobody waits for an edge", survived], { level: "good" });
  await w.kill("edge-1");
  await look("edge-down", [/edge-1 is down: its \d+ viewers? (is|are) on /, "3 edges up", "Bring edge-1 back"], { level: "bad" });
  await w.back("edge-1", { args: ["--copy-rate", "64KiB"], wipe: true });
  await look("edge-recovering", ["edge-1 is back and copies: its", "3 edges up"], { level: "warn" });
  await w.again("edge-1", { without: ["--copy-rate"] });
  await look("edge-back", ["4 edges up", survived], { level: "good" });
  await w.halt("edge-2");
  await look("edge-hung", ["edge-2 is down: its", "Bring edge-2 back"], { level: "bad" });
  await w.go("edge-2");
  await look("edge-hung-no-more", ["4 edges up", survived], { level: "good" });
  await w.tandem("drain", "edge-3");
  await look("edge-drained", ["edge-3 is drained", "3 edges up", "tandem resume edge-3"], { level: "warn" });
  await w.tandem("resume", "edge-3");
  await w.cluster.fault("end", "edge-4");
  await look("edge-stopped", ["edge-4 is stopped: its", "Start edge-4 again"], { level: "warn" });
  await w.gone("edge-4"); // it lets its last ones end first
  await w.back("edge-4");
  await look("edge-started", ["4 edges up", survived], { level: "good" });
  await w.join("edge-5", ["--capacity", "40", "--copy-rate", "64KiB"]);
  await look("edge-joining", ["edge-5 is joining", "4 edges up"], { level: "warn" });
  await w.again("edge-5", { without: ["--copy-rate"] });
  await look("edge-joined", ["5 edges up", survived], { level: "good" });
  await w.join("edge-6", ["--capacity", "4000"]);
  await look("edge-waits", ["edge-6 waits to be accepted", "5 edges up", "tandem accept edge-6"], { level: "warn" });
  await w.tandem("remove", "edge-6");
}

async function balancers(w, look) {
  await w.viewers(24);
  await w.kill("lb-2");
  await look("balancer-dead", ["lb-2 is gone", "With one more balancer lost", "Start lb-2 again"], { level: "warn" });
  await w.kill("lb-3");
  await look("no-leader", ["lb-2 and lb-3 are gone", "No majority of the balancers", "What the next failure would cost is not known", "Start the balancers that are gone"], { level: "warn", not: [survived] });
  await w.kill("edge-2");
  await look("stand-in", [/edge-2 is silent, edge-[13] (and edge-3 )?stands? in; lb-2 and lb-3 are gone/, "No majority of the balancers"], { level: "bad", not: [survived] });
  for (const name of ["edge-2", "lb-2", "lb-3"]) await w.back(name);
  await look("majority-again", ["4 edges up", survived], { level: "good", limit: 40_000 });
  // lb-3 hears the others, and its copy of the placement gets nothing.
  await w.cut(w.port("lb-3", "--raft-listen"));
  for (let i = 0; i < 130; i++) await w.order("/api/v1/admission", { admission: i % 2 ? "failsafe" : "pair" });
  await look("follower-behind", [/lb-3: (lb-[12] leads the others and does not reach this one|the leader is heard)/, survived], { level: "warn" });
  await look("stale-view", [/lb-3: lb-[12] leads the others and does not reach this one for Raft at \S+: its placement is old/, "What the next failure would cost is not known: what lb-3 shows is old. Ask another balancer."], { level: "warn", of: "lb-3", not: [survived] });
  await w.heal();
  await look("stale-no-more", ["4 edges up", survived], { level: "good", of: "lb-3", limit: 40_000 });
  const leader = (await w.status()).leader;
  const other = ["lb-1", "lb-2", "lb-3"].find((n) => n !== leader);
  await w.halt(leader);
  await look("leader-hangs", [`${leader} is gone`, survived], { level: "warn", of: other });
  await w.go(leader);
}

async function alone(w, look) {
  await w.viewers(12);
  await look("balancer-alone", ["lb-1, the only balancer"], {});
}

async function disks(w, look) {
  await w.viewers(12);
  await w.fill("edge-2");
  await w.tandem("purge", "--all"); // all is fetched anew
  await look("edge-disk-full", ["edge-2 can't store: no space left on device", "Make room on the disk of --data of edge-2", survived], { level: "warn" });
  await w.unfill("edge-2");
  await look("edge-disk-well", ["4 edges up", survived], { level: "good" });
  await w.fill("lb-3");
  for (let i = 0; i < 150; i++) await w.order("/api/v1/purge", { prefix: `/none/${"x".repeat(900)}/${i}` }); // beyond what its files have room for
  await look("balancer-disk-full", ["lb-3: it can't write the placement: no space left on device", "Make room on the disk of --data of lb-3"], { level: "warn" });
  await w.unfill("lb-3");
  await w.order("/api/v1/admission", { admission: "failsafe" });
  await look("balancer-disk-well", ["4 edges up", survived], { level: "good", limit: 40_000 });
  await w.kill("origin-1");
  for (let i = 0; i < 40; i++) await w.get(`/sample/none-${i}.m4s`).catch(() => {});
  await look("origin-down", [/The origin \S+ is down for edge-/, "what is not stored can't be served"], { level: "bad" });
  await w.back("origin-1");
  await look("origin-back", ["4 edges up", survived], { level: "good", limit: 60_000 }); // where nobody asks, what failed is told for a while
  await w.fail("edge-1");
  await w.tandem("purge", "--all");
  await look("edge-disk-read-only", ["edge-1 can't store: read-only file system", "(dmesg says why it is read-only)", survived], { level: "warn" });
  await w.fail("lb-2");
  await w.order("/api/v1/admission", { admission: "pair" });
  await look("balancer-disk-read-only", ["lb-2: it can't write the placement: read-only file system"], { level: "warn" });
}

async function clocks(w, look, tools) {
  await w.viewers(12);
  const binary = await skewed(tools, w.binary);
  await w.again("edge-3", { binary, env: { TANDEM_SKEW: "60" } });
  await look("clock-of-an-edge", [/[Tt]he clock of edge-3 is (59s|1m[01]s) ahead/, "Set the clock of edge-3"], { level: "warn" });
  await w.again("edge-3", { binary: w.binary });
  await w.again("lb-2", { binary, env: { TANDEM_SKEW: "-60" } });
  await look("clock-of-a-balancer", [/[Tt]he clock of lb-2 is (59s|1m[01]s) behind/, "Set the clock of lb-2"], { level: "warn" });
  await look("clock-of-its-own", [/[Tt]he clock of lb-2 is (59s|1m[01]s) behind/, "Set the clock of lb-2"], { level: "warn", of: "lb-2" });
  await w.again("lb-2", { binary: w.binary });
  await w.again("edge-2", { binary: await older(tools) });
  await look("builds-differ", ["Not all run one build: edge-2 v0.9.0", "Bring the upgrade to its end"], { level: "warn" });
}

async function zones(w, look) {
  const named = async (...names) => {
    for (const [i, zone] of names.entries()) await w.again(`edge-${i + 1}`, { without: ["--zone"], args: ["--zone", zone] });
    await w.cluster.allUp(20_000);
  };
  await named("rack-a", "rack-a", "rack-b", "rack-b");
  await look("neighbours-in-one-zone", ["edge-1 and edge-2 are neighbours in one zone: were it lost, what they store would have to come from the origin."], { level: "good" });
  await named("rack-a", "rack-b", "rack-a", "rack-b");
  await w.viewers(20);
  await look("zone-would-cost", [/The loss of rack-a \(edge-1 and edge-3\) would cost \d+ sessions?\./], { level: "good" });
  await w.kill("edge-1");
  await w.kill("edge-3");
  await look("zone-lost", [/edge-1 and edge-3 are down: their \d+ viewers are on /, "2 edges up", "Bring edge-1 and edge-3 back", "is not survived"], { level: "bad", not: [survived] });
  await w.back("edge-1");
  await w.back("edge-3");
  await w.cluster.allUp(20_000);
  await w.viewers(60);
  await look("full", ["The cluster is full: new viewers are refused", "Add an edge, or raise the edges' capacity"], { level: "warn" });
  await w.order("/api/v1/admission", { admission: "pair" });
  await w.viewers(12);
  await look("next-death-not-survived", ["The next failure is not survived: edge-", "would be asked for more than it can deliver"], { level: "warn", not: [survived] });
}

async function foreign(w, look, tools) {
  const other = await mkdtemp(path.join(tools, "other-"));
  await run(w.binary, ["cluster", "init", "--help"]);
  const strange = await new w.constructor(w.binary, other).open(["--edges", "2", "--balancers", "3"]);
  await strange.close();
  const identity = ["--identity", path.join(strange.dir, "identities")];
  await w.again("edge-2", { without: ["--identity"], args: identity });
  await look("edge-of-another-authority", ["edge-2 is down, and its calls are refused, for its certificate is not of this cluster", "tandem ticket edge edge-2"], { level: "bad", limit: 40_000 });
  await w.again("edge-2", { without: ["--identity"], args: ["--identity", path.join(w.dir, "identities")] });
  await w.again("lb-2", { without: ["--identity"], args: identity, wipe: true }); // with its disk it would certify itself anew
  await look("balancer-of-another-authority", ["lb-2 and the others don't hear each other: its certificate is not of this cluster", "tandem ticket balancer lb-2"], { level: "warn", of: "lb-1", limit: 40_000 });
}

async function secrets(w, look) {
  const secret = path.join(w.dir, "other-secret");
  await run("sh", ["-c", `umask 077; echo another-secret-of-another-cluster > ${secret}`]);
  await w.again("edge-2", { without: ["--secret-file"], args: ["--secret-file", secret] });
  await look("edge-with-another-secret", ["edge-2 is down, and its calls are refused, for it shows another secret than this cluster's", "Give edge-2 this cluster's secret file"], { level: "bad", limit: 40_000 });
  await w.again("lb-3", { without: ["--secret-file"], args: ["--secret-file", secret] });
  await look("balancer-with-another-secret", ["lb-3 and the others don't hear each other"], { limit: 40_000 });
}

async function budgets(w, look) {
  await w.viewers(8);
  await look("certificate-near-its-end", [/lb-1, lb-2 and lb-3: the viewers' certificate ends at \d{4}-/, "Renew "], { level: "warn" });
  for (let i = 0; i < 12; i++) await w.get(`/sample/none-${i}.m4s`);
  await look("misses-beyond", [/edge-\d( and edge-\d)?: max-misses-per-client is reached, that client gets 429/], { level: "warn" });
  await w.connections(140, "127.0.0.9");
  await look("connections-beyond", ["lb-1: max-connections-per-client is reached"], { level: "warn" });
}

// One address opens sessions that nobody has room for.
async function crowd(w, look) {
  await w.viewers(14);
  for (let i = 0; i < 20; i++) await w.get("/sample/master.m3u8");
  await look("openings-beyond", ["lb-1: a client opens more sessions than it plays and is refused (client_limit)", "cluster is full"], { level: "warn" });
}

// Clients ask for much and take nothing.
async function greedy(w, look) {
  await w.viewers(4);
  await w.takers(40, "/sample/v0/seg1.m4s");
  await look("held-beyond", ["lb-1: max-held is reached, clients that take nothing are reset", "raise --max-held of lb-1"], { level: "warn" });
}

// Certificates of 26 days, of 30, that can't be renewed: nothing can be written beside them.
async function certificates(w, look, tools) {
  const old = new w.constructor(await skewed(tools, w.binary), await mkdtemp(path.join(tools, "old-")));
  try {
    process.env.TANDEM_SKEW = String(-26 * 86_400);
    await old.open(["--edges", "2", "--balancers", "1", "--capacity", "8"]).finally(() => delete process.env.TANDEM_SKEW);
    await old.seal("identities");
    for (const name of ["lb-1", "edge-1", "edge-2", "origin-1"]) await old.again(name, { binary: w.binary });
    await look("node-certificate-near-its-end", [/lb-1, edge-1 and edge-2: its certificate ends at \d{4}-\S+ and could not be renewed/, "tandem ticket balancer lb-1"], { level: "warn", world: old, limit: 40_000 });
  } finally {
    await old.close();
  }
}

// A cluster that was off for a month: balancers certify themselves anew, edges can't.
async function expired(w, look, tools) {
  const old = new w.constructor(await skewed(tools, w.binary), await mkdtemp(path.join(tools, "off-")));
  try {
    process.env.TANDEM_SKEW = String(-31 * 86_400);
    await old.open(["--edges", "2", "--balancers", "1", "--capacity", "8"]).finally(() => delete process.env.TANDEM_SKEW);
    for (const name of ["lb-1", "edge-1", "edge-2", "origin-1"]) await old.again(name, { binary: w.binary });
    await look("certificates-expired", ["edge-1 is down, and its calls are refused, for its certificate has expired", "Look at the clock of edge-1; else join edge-1 anew: tandem ticket edge edge-1", "tandem join TICKET --identity DIR"], { level: "bad", world: old, limit: 60_000 });
  } finally {
    await old.close();
  }
}

// The files of a certificate of which little is left.
async function short(dir) {
  const at = (days) => new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, "");
  const files = [path.join(dir, "cert.pem"), path.join(dir, "key.pem")];
  const own = (name) => path.join(dir, name);
  await writeFile(own("ca.cnf"), `[ca]\ndefault_ca = c\n[c]\ndatabase = ${own("index.txt")}\nserial = ${own("serial")}\nnew_certs_dir = ${dir}\ndefault_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n`);
  await writeFile(own("index.txt"), "");
  await run("openssl", ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=cdn.example", "-out", own("request.pem"), "-keyout", files[1]]);
  await run("openssl", ["ca", "-batch", "-selfsign", "-create_serial", "-config", own("ca.cnf"), "-keyfile", files[1], "-startdate", at(-80), "-enddate", at(3), "-in", own("request.pem"), "-out", files[0]]);
  return files;
}

export const scenes = {
  edges: { flags: () => ["--capacity", "40"], play: edges },
  balancers: { flags: () => ["--capacity", "40"], play: balancers },
  alone: { flags: () => ["--capacity", "40", "--balancers", "1"], play: alone },
  disks: { flags: () => ["--capacity", "40"], small: ["edge-2", "lb-3"], failing: ["edge-1", "lb-2"], play: disks },
  clocks: { flags: () => ["--capacity", "40"], play: clocks },
  zones: { flags: () => ["--capacity", "8"], play: zones },
  foreign: { flags: () => ["--capacity", "8"], play: foreign },
  secrets: { flags: () => ["--capacity", "8", "--insecure"], play: secrets },
  crowd: { flags: () => ["--capacity", "4", "--lb-flags", "--max-refused-per-client=5"], play: crowd },
  greedy: { flags: () => ["--capacity", "40", "--lb-flags", "--max-held=256KiB"], play: greedy },
  certificates: { flags: () => ["--capacity", "8"], play: certificates },
  expired: { flags: () => ["--capacity", "8"], play: expired },
  budgets: {
    flags: async (tools) => {
      const [cert, key] = await short(tools);
      return ["--capacity", "40", "--lb-flags", `--max-connections-per-client=100,--tls-listen=127.0.0.1:0,--tls-cert=${cert},--tls-key=${key}`, "--edge-flags", "--max-misses-per-client=30"];
    },
    play: budgets,
  },
};
