// Players with 4 s of buffer over the death of the balancer that carries them, behind an
// address that is at another one a second later:
//
//   node players/front.mjs [--binary ../bin/tandem] [--evidence DIR] [--only hls]
//
// A case is ok when nothing fatal happened, no picture stood for more than 250 ms for want
// of content, and media came by the other balancer. Requests may fail: what the dead one
// carried broke with its connections, and is asked for again. Exit 1 when one is not.
import { setTimeout as sleep } from "node:timers/promises";
import { Check, fileOf, keptOf } from "./check.mjs";
import { movingAddress } from "./moving.mjs";
import { plays } from "./plays.mjs";
import { Seat } from "./seat.mjs";
import { line, stood } from "./verdict.mjs";

const check = new Check("front");
const buffer = 4; // seconds
const gap = 1000; // milliseconds until the address is at the other one: more than keepalived takes
const watched = 12_000; // milliseconds after the death: three buffers

function judge(seat, at) {
  const { last } = seat;
  const { complaints, facts } = stood(seat);
  if (!last.began) complaints.push("never played");
  // dash.js says so of a segment (27), and goes on with the next one it gets.
  const fatal = last.fatal.filter((text) => seat.play.player !== "dash" || !/^\S+ 27 /.test(text));
  if (fatal.length) complaints.push(`fatal: ${fatal[0]}`);
  if (last.paused || (last.ended && seat.play.live)) complaints.push("it ended");
  const after = seat.during(seat.media, at + gap, Infinity).length;
  if (!after) complaints.push("got nothing by the other balancer");
  return line(seat.name, "front killed", complaints, `${facts} failed=${seat.failed.length} segments after=${after}`);
}

await check.run(async () => {
  const moving = await movingAddress(check);
  const cluster = await check.cluster(["--edges", "4", "--balancers", "3", "--capacity", "100"]);
  const { pages, browsers } = await check.stage(3);
  const chosen = plays.filter((p) => p.player !== "native" && p.name.includes(check.asked.only));
  for (let i = 0; i < chosen.length; i += 3) {
    moving.lead(cluster.file.viewers);
    const seats = chosen.slice(i, i + 3).map((p) => new Seat(p, buffer));
    await Promise.all(seats.map((s) => s.open(browsers[0], pages, moving.url + cluster.stream(s.play.live)[s.play.format])));
    for (const until = Date.now() + 30_000; Date.now() < until; await sleep(200)) {
      const reports = await Promise.all(seats.map((s) => s.look()));
      if (reports.every((r) => r?.began || r?.fatal.length)) break; // who does not play is told below
    }
    await sleep(6000);
    const at = Date.now();
    await cluster.fault("kill", "lb-1");
    moving.lead(cluster.file.viewers.slice(1), gap);
    await sleep(watched);
    for (const seat of seats) {
      await seat.look();
      await seat.close();
      check.tell([judge(seat, at)]);
      await check.keep(fileOf(seat.name), { at, ...keptOf(seat) });
    }
    await cluster.heal("kill", "lb-1");
    await cluster.allUp(30_000);
  }
});
