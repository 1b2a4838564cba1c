// A round: some viewers in front of one stream, and faults until each of them
// has lost the edge that served it to every kind of fault.
import { setTimeout as sleep } from "node:timers/promises";
import { Seat } from "./seat.mjs";

const outage = 5000; // milliseconds that an edge stays away: more than the small buffer holds
const ownOutage = 7000; // the same under the browser's own HLS, which asks each 6 s
const after = { whole: 13_000, short: 11_000 }; // milliseconds that a live stream is watched on from the last fault: more than the large buffer holds
const attempts = 3; // faults of a kind, at most; a session may move meanwhile

export class Round {
  faults = []; // {kind, edge, at, struck, healed, until}: ordered, done, undone; until the next one, or the end
  trouble = []; // what went wrong with the round itself

  constructor({ cluster, pages, browsers, plays, buffer, kinds, whole, say }) {
    Object.assign(this, { cluster, pages, browsers, kinds, whole, say });
    this.stream = plays[0].path ? { stream: plays[0].path, live: plays[0].live } : cluster.stream(plays[0].live);
    this.seats = plays.map((play) => new Seat(play, buffer));
  }

  async run() {
    try {
      await this.#begin();
      for (const kind of this.kinds) await this.#everybody(kind);
      if (this.stream.live) await sleep(Math.max(0, (this.faults.at(-1)?.at ?? Date.now()) + after[this.whole ? "whole" : "short"] - Date.now()));
      else await this.#end();
    } catch (err) {
      this.trouble.push(err.message);
    }
    this.ended = Date.now();
    await Promise.all(this.seats.map((s) => s.look().catch((err) => this.trouble.push(`${s.name}: ${err.message}`))));
  }

  // Everybody plays, and has played for some seconds.
  async #begin() {
    await Promise.all(this.seats.map((s, i) => s.open(this.browsers[i % this.browsers.length], this.pages, this.cluster.viewers + (s.play.path ?? this.stream[s.play.format]))));
    await this.#until("plays", 20_000, (r) => r?.began || r?.fatal.length);
    await sleep(2500);
  }

  // Polls until every page says so; who does not is told by the verdict.
  async #until(what, limit, cond) {
    for (const end = Date.now() + limit; ; await sleep(200)) {
      const reports = await Promise.all(this.seats.map((s) => s.look()));
      if (reports.every(cond)) return;
      if (Date.now() > end) {
        this.trouble.push(`not everybody ${what} after ${limit / 1000} s`);
        return;
      }
    }
  }

  // Faults of one kind, each on the edge that serves most of those who had none.
  async #everybody(kind) {
    for (let i = 0; i < attempts; i++) {
      const edges = await this.cluster.deliverers();
      const spared = this.seats.filter((s) => !s.hits.some((h) => h.kind === kind));
      const by = new Map(); // edge to those of them whom it serves
      for (const s of spared) {
        const edge = edges.get(s.session);
        if (edge) by.set(edge, [...(by.get(edge) ?? []), s]);
      }
      if (by.size === 0) {
        if (spared.length) this.trouble.push(`no edge delivers to ${spared.map((s) => `${s.name} (session ${s.session || "none"})`).join(", ")}`);
        return;
      }
      const [edge, hit] = [...by].sort((a, b) => b[1].length - a[1].length)[0];
      await this.#fault(kind, edge, hit);
    }
  }

  async #fault(kind, edge, hit) {
    const fault = { kind, edge, at: Date.now(), struck: Infinity, healed: 0, until: Infinity };
    if (this.faults.length) this.faults.at(-1).until = fault.at;
    this.faults.push(fault);
    for (const s of hit) s.hits.push(fault);
    await this.cluster.fault(kind, edge);
    fault.struck = Date.now();
    await sleep(hit.some((s) => s.play.ownBuffer) ? ownOutage : outage);
    fault.healed = Date.now();
    await this.cluster.heal(kind, edge);
    const took = await this.cluster.allUp(20_000);
    this.say(`    ${kind} ${edge} under ${hit.length} of ${this.seats.length} players; up again ${took} ms after it came back`);
  }

  // Stored streams are watched to their end; in short, from the last seconds on.
  async #end() {
    const left = (r) => (r?.duration || 0) - (r?.time || 0);
    if (!this.whole) await Promise.all(this.seats.filter((s) => left(s.last) > 12).map((s) => s.seek(s.last.duration - 8)));
    const longest = Math.max(...(await Promise.all(this.seats.map((s) => s.look()))).map(left));
    await this.#until("has reached the end", Math.min(longest, 70) * 1000 + 10_000, (r) => r?.ended || r?.fatal.length);
  }

  async close() { await Promise.all(this.seats.map((s) => s.close())); }
}
