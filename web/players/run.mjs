// Real players over a real cluster, while the edges that serve them die and hang.
//
//   node players/run.mjs [--quick] [--binary ../bin/tandem] [--evidence DIR] [--seats 5] [--buffers 4,10]
//   node players/run.mjs --cluster DIR/cluster.json
//
// Every player plays with each of the buffers (seconds; TANDEM_BUFFERS, else 4 and 10); the edge that serves it is
// killed (SIGKILL), brought back, stopped (SIGSTOP) and let go on. A case is ok
// when nothing fatal happened, no request failed, no picture stood for more than
// 250 ms, and the stream was watched to its end. Exit 1 when one is not.
//
// With --cluster the cluster is one of bench/netdemo, and this runs on its host
// "viewers": the link of the edge that serves a player is cut, and mended after
// 5 s; ffmpeg reads over a cut link as well, and has to decode every frame.
import { Check, fileOf, keptOf } from "./check.mjs";
import { control } from "./control.mjs";
import { readers } from "./ffmpeg.mjs";
import { plays } from "./plays.mjs";
import { Round } from "./round.mjs";
import { judge } from "./verdict.mjs";

const check = new Check("players", {
  quick: { type: "boolean", default: false },
  buffers: { type: "string", default: process.env.TANDEM_BUFFERS || "4,10" },
  cluster: { type: "string", default: "" }, // cluster.json of one that stands, with a control
});
const { asked } = check;

// The plays of this run, told from those that this browser can't play.
async function playable(browser) {
  const page = await browser.newPage();
  const can = await page.evaluate(() => document.createElement("video").canPlayType("application/vnd.apple.mpegurl"));
  await page.close();
  const chosen = plays.filter((p) => p.name.includes(asked.only) && (!asked.quick || p.quick));
  for (const p of chosen) if (p.player === "native" && !can) check.say(`--  ${p.name}: Chromium ${browser.version()} has no HLS of its own; not played`);
  return chosen.filter((p) => p.player !== "native" || can);
}

// Rounds: a kind of stream and a buffer each, with so many players at once.
function rounds(chosen) {
  const list = [];
  const buffers = asked.buffers.split(",").map(Number);
  if (!buffers.every((b) => b > 0)) throw new Error(`--buffers: ${asked.buffers}: seconds, like 4,10`);
  for (const buffer of asked.quick ? [4] : buffers) {
    for (const live of [false, true]) {
      const crowd = chosen.filter((p) => p.live === live && !(p.ownBuffer && buffer !== buffers[0]));
      const groups = Math.ceil(crowd.length / Number(asked.seats));
      for (let i = 0; i < groups; i++) list.push({ buffer, plays: crowd.filter((_, n) => n % groups === i) });
    }
  }
  return list;
}

async function keep(round, number, cluster) {
  const at = (name) => `round-${number}/${name}`;
  for (const what of ["status", "receipts", "history", "sessions"]) {
    await check.keep(at(`${what}.json`), await cluster.api(`/api/v1/${what}`).catch((err) => ({ error: err.message })));
  }
  await check.keep(at("faults.json"), { faults: round.faults, trouble: round.trouble, ended: round.ended });
  for (const seat of round.seats) await check.keep(at(fileOf(seat.name)), keptOf(seat));
}

await check.run(async () => {
  const cluster = await check.cluster(["--edges", "4", "--balancers", "3", "--capacity", "100"], asked.cluster);
  const { pages, browsers } = await check.stage();
  const kinds = asked.cluster ? ["cut"] : asked.quick ? ["kill"] : ["kill", "stop"];
  let number = 0;
  for (const { buffer, plays: crowd } of rounds(await playable(browsers[0]))) {
    const round = new Round({ cluster, pages, browsers, plays: crowd, buffer, kinds, whole: !asked.quick && !asked.cluster, say: check.say });
    // The control needs a player's time, not a round's: it goes along with the first.
    const [, controlled] = await Promise.all([round.run(), number ? [] : control(cluster, pages, browsers.at(-1))]);
    await keep(round, ++number, cluster);
    await round.close();
    check.tell([...judge(round), ...controlled]);
  }
  if (asked.cluster) check.tell(await readers(cluster));
});
