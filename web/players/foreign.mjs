// Real players over an origin that is not ours: the sample in the layouts that other
// people have, and LL-HLS, through a cluster whose edges are killed.
//
//   node players/foreign.mjs [--binary ../bin/tandem] [--evidence DIR] [--only NAME] [--seats 5]
//
// A case is ok when it is for players/run.mjs, and when the player asked nothing of the
// origin by itself. Exit 1 when one is not.
import path from "node:path";
import { Check, keptOf } from "./check.mjs";
import { readAbroad } from "./ffmpeg.mjs";
import { LayoutOrigin, layouts, sample } from "./layouts.mjs";
import { Round } from "./round.mjs";
import { judge, line } from "./verdict.mjs";

const check = new Check("foreign");
const { asked } = check;
const players = { HLS: [["hls.js", "hls"], ["Shaka", "shaka"]], DASH: [["dash.js", "dash"], ["Shaka", "shaka"]] };

// Who plays what.
function playing() {
  const list = [];
  for (const { name, path: entry, live = false, not = [] } of layouts) {
    const by = players[entry.includes(".mpd") ? "DASH" : "HLS"];
    for (const [who, player] of by) if (!not.includes(who)) list.push({ name: `${who}, ${name}`, player, path: entry, live });
  }
  for (let i = 0; i < 2; i++) list.push({ name: `hls.js, low latency ${i + 1}`, player: "hls", path: "/ll/master.m3u8", live: true, low: true });
  return list.filter((p) => p.name.includes(asked.only));
}

// Groups of one kind that play at once.
function groups(plays) {
  const list = [];
  for (const kind of [(p) => !p.live, (p) => p.live && !p.low, (p) => p.low]) {
    const crowd = plays.filter(kind), n = Math.ceil(crowd.length / Number(asked.seats));
    for (let i = 0; i < n; i++) list.push(crowd.filter((_, at) => at % n === i));
  }
  return list;
}

// What the origin has seen: nothing past the cluster.
async function alone(origin) {
  const complaints = origin.strays().slice(0, 3).map((a) => `${a.target} was asked by ${a.agent}`);
  const before = origin.strays().length;
  await (await fetch(`${origin.url}/c01/m/v0/init.mp4`)).arrayBuffer();
  if (origin.strays().length !== before + 1) complaints.push("a request past the cluster is not noticed");
  return line("the origin", "was asked by edges alone", complaints, `${origin.asked.length} requests`);
}

// What low latency costs the origin: a part is asked for once a pair of edges, whoever waits.
function partsOnce(origin) {
  const parts = new Map();
  for (const a of origin.asked.filter((one) => one.target.startsWith("/ll/seg-") && one.range)) {
    const name = `${a.target} ${a.range}`;
    parts.set(name, (parts.get(name) ?? 0) + 1);
  }
  const most = Math.max(0, ...parts.values()), blocked = origin.asked.filter((a) => a.target.includes("_HLS_part=")).length;
  const complaints = [];
  if (parts.size < 20 || blocked < 20) complaints.push("hardly played in low latency: nothing is shown");
  if (most > 4) complaints.push(`one part was asked for ${most} times`);
  return line("the origin", "parts", complaints, `${parts.size} ranges, each at most ${most} times; ${blocked} blocked reloads`);
}

await check.run(async () => {
  const origin = await LayoutOrigin.start();
  check.closing(async () => origin.close());
  const cluster = await check.cluster(["--origin", origin.url, `--edge-flags=--origin-hosts=${origin.other}`, "--edges", "3", "--balancers", "3", "--capacity", "100"]);
  const { pages, browsers } = await check.stage();
  const plays = playing();
  for (const [n, crowd] of groups(plays).entries()) {
    const round = new Round({ cluster, pages, browsers, plays: crowd, buffer: 4, kinds: ["kill"], whole: false, say: check.say });
    await round.run();
    await check.keep(`round-${n + 1}.json`, { faults: round.faults, trouble: round.trouble, seats: round.seats.map(keptOf) });
    await round.close();
    check.tell(judge(round));
  }
  for (const [i, l] of layouts.entries()) {
    if (l.live || l.not?.includes("ffmpeg") || !`ffmpeg, ${l.name}`.includes(asked.only)) continue;
    check.tell([await readAbroad(cluster, `ffmpeg, ${l.name}`, path.join(sample, l.path.includes(".mpd") ? "manifest.mpd" : "master.m3u8"), l.path, `ffmpeg-${i}`)]);
  }
  if (plays.some((p) => p.low)) check.tell([partsOnce(origin)]);
  check.tell([await alone(origin)]);
  await check.keep("origin.json", origin.asked);
});
