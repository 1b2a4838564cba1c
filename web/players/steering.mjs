// Steered players (docs/steering.md) over the deaths of the edge that they fetch from
// and of the balancer that they came by, with 10 s of buffer:
//
//   node players/steering.mjs [--binary ../bin/tandem] [--evidence DIR] [--only hls]
//
// Playlists and MPDs of stored streams are asked of a balancer at its own address, which
// is dead with it. MPDs of live ones are asked at one that moves with the balancers, as
// keepalived moves it: dash.js 5 asks for no MPD again once three attempts have failed.
//
// A case is ok when the media came from the edges themselves, nothing fatal happened, no
// picture stood for more than 250 ms, and the stream was watched on for longer than the
// buffer holds after each death. Requests may fail: the player asks elsewhere. Exit 1
// when one is not.
import { setTimeout as sleep } from "node:timers/promises";
import { Check, fileOf, keptOf } from "./check.mjs";
import { movingAddress } from "./moving.mjs";
import { plays } from "./plays.mjs";
import { Seat } from "./seat.mjs";
import { line, stood } from "./verdict.mjs";

const check = new Check("steering");
const buffer = 10; // seconds
const away = 14_000; // milliseconds without the edge, and then without the balancer: more than the buffer holds

// Each edge has a host of its own for players, as where edges are machines: who is banned for a
// failed request is banned by Shaka with its host, whatever the port. Browsers look no such name up.
const hostOf = (name) => `${name}.localhost`;

// Media that a player got, by the edge whose own address it asked; "": a balancer's.
function sources(seat, edges, from, to) {
  const by = {};
  for (const { url } of seat.during(seat.media, from, to)) {
    const name = edges.find((e) => new URL(url).hostname === hostOf(e.name))?.name ?? "";
    by[name] = (by[name] ?? 0) + 1;
  }
  return by;
}

async function playing(seat, limit) {
  for (const until = Date.now() + limit; Date.now() < until; await sleep(200)) {
    const report = await seat.look();
    if (report?.began || report?.fatal.length) return; // who does not play is told below
  }
}

function judge(seat, edges, deaths) {
  const { last } = seat;
  const { complaints, facts: still } = stood(seat);
  if (!last.began) complaints.push("never played");
  // dash.js says so of a segment (27) that it could not get at one place, and goes on at the next.
  const fatal = last.fatal.filter((text) => seat.play.player !== "dash" || !/^\S+ 27 /.test(text));
  if (fatal.length) complaints.push(`fatal: ${fatal[0]}`);
  if (last.paused || (last.ended && seat.play.live)) complaints.push("it ended");
  const facts = [still, `seen=${last.seen.toFixed(1)}s`, `failed=${seat.failed.length}`];
  const before = sources(seat, edges, 0, deaths[0].at);
  facts.push(`before: ${JSON.stringify(before)}`);
  if (!Object.keys(before).some((e) => e)) complaints.push("its media did not come from an edge itself");
  for (const { name, at, until, hit } of deaths) {
    const by = sources(seat, edges, at + 1000, until);
    facts.push(`without ${name}: ${JSON.stringify(by)}`);
    if (!hit) complaints.push(`${name} was not where it fetched from`);
    if (!Object.entries(by).some(([e]) => e && e !== name)) complaints.push(`got nothing from an edge without ${name}`);
  }
  return line(seat.name, "steered", complaints, facts.join(" "));
}

// One player: the edge that it fetches from dies, and comes back; then the balancer that it
// came by dies, and comes back for the next one.
async function round(play, cluster, pages, browser, moving) {
  const seat = new Seat(play, buffer);
  const edges = cluster.file.nodes.filter((n) => n.role === "edge");
  const deaths = [];
  const die = async (name, hit) => {
    const death = { name, hit, at: Date.now(), until: Infinity };
    deaths.push(death);
    await cluster.fault("kill", name);
    await sleep(away);
    death.until = Date.now();
  };
  const at = play.live && play.format === "dash" ? moving.url : cluster.viewers;
  await seat.open(browser, pages, at + cluster.stream(play.live)[play.format]);
  await playing(seat, 30_000);
  await sleep(4000);
  const edge = (await cluster.deliverers()).get(seat.session);
  await die(edge, edge in sources(seat, edges, 0, Date.now()));
  await cluster.heal("kill", edge);
  await cluster.allUp(30_000);
  await die("lb-1", true);
  await seat.look();
  await seat.close();
  await cluster.heal("kill", "lb-1");
  await cluster.allUp(30_000);
  return { seat, deaths, ...judge(seat, edges, deaths) };
}

await check.run(async () => {
  const moving = await movingAddress(check);
  const steering = `--lb-flags=--steering=/,--steering-fronts=${moving.url}`;
  const cluster = await check.cluster(["--edges", "4", "--balancers", "3", "--capacity", "100", steering, `--edge-flags=--public-url=http://${hostOf("{name}")}:{port}`]);
  moving.lead(cluster.file.viewers);
  const { pages, browsers } = await check.stage(1);
  for (const play of plays.filter((p) => ["hls", "dash", "shaka"].includes(p.player) && p.name.includes(check.asked.only))) {
    const { seat, deaths, ...verdict } = await round(play, cluster, pages, browsers[0], moving);
    check.tell([verdict]);
    await check.keep(fileOf(seat.name), { deaths, ...keptOf(seat) });
  }
});
