// Real players over a real cluster, while the edges that serve them die and hang.
//
//   node players/run.mjs [--quick] [--binary ../bin/tandem] [--evidence DIR] [--seats 5]
//   node players/run.mjs --cluster DIR/cluster.json
//
// Every player plays with 4 s and with 10 s of buffer; the edge that serves it is
// killed (SIGKILL), brought back, stopped (SIGSTOP) and let go on. A case is ok
// when nothing fatal happened, no request failed, no picture stood for more than
// 250 ms, and the stream was watched to its end. Exit 1 when one is not.
//
// With --cluster the cluster is one of bench/netdemo, and this runs on its host
// "viewers": the link of the edge that serves a player is cut, and mended after
// 5 s; ffmpeg reads over a cut link as well, and has to decode every frame.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openBrowser } from "../test/browser.mjs";
import { Cluster } from "./cluster.mjs";
import { control } from "./control.mjs";
import { readers } from "./ffmpeg.mjs";
import { servePages } from "./pages.mjs";
import { plays } from "./plays.mjs";
import { Round } from "./round.mjs";
import { judge } from "./verdict.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const { values: asked } = parseArgs({ options: {
  quick: { type: "boolean", default: false },
  binary: { type: "string", default: process.env.TANDEM_BIN || path.join(here, "../../bin/tandem") },
  evidence: { type: "string", default: "" },
  seats: { type: "string", default: "5" }, // players at once
  cluster: { type: "string", default: "" }, // cluster.json of one that stands, with a control
  only: { type: "string", default: "" }, // plays whose name has this in it
} });
const perBrowser = 2; // pages in one browser process

const say = (text) => console.log(text);
const began = Date.now();
const closers = []; // what has to be ended, the last one first
let evidence;

async function end() {
  while (closers.length) await closers.pop()().catch((err) => say(`ending: ${err.message}`));
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => end().finally(() => process.exit(1)));

// The plays of this run, told from those that this browser can't play.
async function playable(browser) {
  const page = await browser.newPage();
  const can = await page.evaluate(() => document.createElement("video").canPlayType("application/vnd.apple.mpegurl"));
  await page.close();
  const chosen = plays.filter((p) => p.name.includes(asked.only) && (!asked.quick || p.quick));
  for (const p of chosen) if (p.player === "native" && !can) say(`--  ${p.name}: Chromium ${browser.version()} has no HLS of its own; not played`);
  return chosen.filter((p) => p.player !== "native" || can);
}

// Rounds: a kind of stream and a buffer each, with so many players at once.
function rounds(chosen) {
  const list = [];
  for (const buffer of asked.quick ? [4] : [4, 10]) {
    for (const live of [false, true]) {
      const crowd = chosen.filter((p) => p.live === live && !(p.ownBuffer && buffer !== 4));
      const groups = Math.ceil(crowd.length / Number(asked.seats));
      for (let i = 0; i < groups; i++) list.push({ buffer, plays: crowd.filter((_, n) => n % groups === i) });
    }
  }
  return list;
}

async function keep(round, number, cluster) {
  const dir = path.join(evidence, `round-${number}`);
  await mkdir(dir, { recursive: true });
  const write = (name, what) => writeFile(path.join(dir, name), typeof what === "string" ? what : JSON.stringify(what, null, 1));
  for (const what of ["status", "receipts", "history", "sessions"]) {
    await write(`${what}.json`, await cluster.api(`/api/v1/${what}`).catch((err) => ({ error: err.message })));
  }
  await write("faults.json", { faults: round.faults, trouble: round.trouble, ended: round.ended });
  for (const seat of round.seats) {
    const { name, session, hits, failed, segments, last, says } = seat;
    await write(`${name.replace(/[^A-Za-z0-9.=]+/g, "-")}.json`, { name, session, hits, failed, last, segments, says });
  }
}

async function main() {
  evidence = asked.evidence ? path.resolve(asked.evidence) : await mkdtemp(path.join(os.tmpdir(), "tandem-players-"));
  await mkdir(evidence, { recursive: true });
  const cluster = asked.cluster ? await Cluster.attach(asked.cluster)
    : await Cluster.start(asked.binary, path.join(evidence, "cluster"), ["--edges", "4", "--balancers", "3", "--capacity", "100"]);
  closers.push(() => cluster.close());
  const pages = await servePages();
  closers.push(async () => pages.close());
  const browsers = [];
  for (let i = 0; i < Math.ceil(Number(asked.seats) / perBrowser); i++) {
    const browser = await openBrowser();
    closers.push(() => browser.close());
    browsers.push(browser);
  }
  say(`players: Chromium ${browsers[0].version()}, cluster ready after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  let bad = 0, good = 0, number = 0;
  const tell = (lines) => {
    for (const { ok, text } of lines) {
      say(text);
      if (ok) good++;
      else bad++;
    }
  };
  const kinds = asked.cluster ? ["cut"] : asked.quick ? ["kill"] : ["kill", "stop"];
  for (const { buffer, plays: crowd } of rounds(await playable(browsers[0]))) {
    const round = new Round({ cluster, pages: pages.url, browsers, plays: crowd, buffer, kinds, whole: !asked.quick && !asked.cluster, say });
    // The control needs a player's time, not a round's: it goes along with the first.
    const [, controlled] = await Promise.all([round.run(), number ? [] : control(cluster, pages.url, browsers.at(-1))]);
    await keep(round, ++number, cluster);
    await round.close();
    tell([...judge(round), ...controlled]);
  }
  if (asked.cluster) tell(await readers(cluster));
  say(`players: ${good} ok, ${bad} bad, ${((Date.now() - began) / 1000).toFixed(0)} s; evidence: ${evidence}`);
  return bad || !good ? 1 : 0;
}

let code = 1;
try {
  code = await main();
} catch (err) {
  say(`BAD players: ${err.stack}`);
}
await end();
// Stores and logs are worth keeping only when something went wrong.
if (code === 0) await rm(path.join(evidence, "cluster"), { recursive: true, force: true });
process.exit(code);
