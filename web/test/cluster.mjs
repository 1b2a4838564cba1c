// A cluster on paper, for the page's tests: it answers as internal/wire/api.go
// says, and plays a death and a return when it is told to.

const capacity = 50;

// Sessions at the low and at the high end of each table.
const fill = [[6, 7], [9, 5], [12, 8], [6, 11], [10, 9], [7, 7]];

function runs(low, high, slots) {
  const taken = [];
  if (low > 0) taken.push({ from: 0, to: low });
  if (high > 0) taken.push({ from: slots - high, to: slots });
  return taken;
}

export class PaperCluster {
  constructor({ edges = 4, slots = capacity, now = () => Date.now() } = {}) {
    this.now = now;
    this.version = 40;
    this.leader = "lb-1";
    this.admission = "failsafe";
    this.slots = slots;
    this.refused = 0;
    this.takeovers = 0;
    this.receipts = [];
    this.history = [];
    this.listeners = new Set();
    const limit = Math.floor((slots * (edges - 1)) / edges);
    this.edges = Array.from({ length: edges }, (_, i) => ({
      name: `edge-${i + 1}`, state: "up", http: `http://10.0.0.${i + 11}:8080`, admin: `http://10.0.0.${i + 11}:9080`,
      incarnation: 3 + i, capacity: slots, limit, report_age: 120, fail_safe: false,
      store_bytes: 310_000_000 + i * 41_000_000, sent_bytes: 9_400_000_000 + i * 700_000_000, hits: 48_211 + i * 911, misses: 402 + 13 * i, origin_asked: 211 + 7 * i, streams: 3,
    }));
    this.pairs = this.edges.map((e, i) => ({
      id: i + 1, low: e.name, high: this.edges[(i + 1) % edges].name, slots, boundary: slots >> 1, home: slots >> 1, streams: 2,
    }));
    this.sizes = this.pairs.map((_, i) => fill[i % fill.length].map((n) => Math.round((n * slots) / capacity)));
    this.note("edge_ready", "edge-4 has copied 1.2 GiB from edge-3 and edge-1 and delivers again", { edge: "edge-4" });
    this.note("place", "/sample/ is stored at edge-1 and edge-2", { stream: "/sample/", pair: 1 });
    this.note("leader", "lb-1 leads");
  }

  edge(name) { return this.edges.find((e) => e.name === name); }

  note(kind, text, more = {}) {
    const event = { time: this.now(), version: ++this.version, kind, text, ...more };
    this.history.unshift(event);
    for (const listener of this.listeners) listener("event", event);
  }

  changed() { for (const listener of this.listeners) listener("status", this.status()); }

  // Sessions that the edge delivers, by the boundaries.
  delivering(name) {
    return this.pairStatus().reduce((n, p) => n + (p.low === name ? p.low_delivering : 0) + (p.high === name ? p.high_delivering : 0), 0);
  }

  pairStatus() {
    return this.pairs.map((p, i) => {
      const [lows, highs] = this.sizes[i];
      const taken = runs(lows, highs, p.slots);
      const below = taken.reduce((n, r) => n + Math.max(0, Math.min(r.to, p.boundary) - r.from), 0);
      return { ...p, taken, low_delivering: below, high_delivering: lows + highs - below };
    });
  }

  status() {
    const pairs = this.pairStatus();
    const edges = this.edges.map((e) => {
      const delivering = this.delivering(e.name);
      const down = this.edges.some((x) => x.state === "down" || x.state === "recovering");
      return { ...e, delivering, margin: e.capacity - delivering - (down ? 20 : 14), report_age: e.state === "down" ? 61_000 : e.report_age };
    });
    return {
      verdict: this.verdict(edges),
      time: this.now(), version: this.version, node: "lb-2", leader: this.leader, majority: this.leader !== "", zones: [], admission: this.admission, policy: "push", edges, pairs,
      balancers: ["lb-1", "lb-2", "lb-3"].map((name) => ({ name, http: "", admin: "", raft: "", leader: name === this.leader, voter: true, alive: true })),
      sessions: edges.reduce((n, e) => n + e.delivering, 0), streams: 3, refused: this.refused, takeovers: this.takeovers,
    };
  }

  // What lb/api/verdict.go would say, in short.
  verdict(edges) {
    const sessions = edges.reduce((n, e) => n + e.delivering, 0);
    const up = `${edges.filter((e) => e.state === "up").length} edges up, ${sessions} sessions`;
    const parts = edges.filter((e) => e.state !== "up").map((e) => {
      const by = this.pairs.filter((p) => p.low === e.name || p.high === e.name).map((p) => (p.low === e.name ? p.high : p.low)).sort().join(" and ");
      const viewers = this.pairs.reduce((n, p, i) => n + (p.low === e.name ? this.sizes[i][0] : p.high === e.name ? this.sizes[i][1] : 0), 0);
      return e.state === "draining" ? `${e.name} is draining` : `${e.name} is ${e.state === "down" ? "down" : "back and copies"}: its ${viewers} viewers are on ${by}`;
    });
    const level = edges.some((e) => e.state === "down") ? "bad" : parts.length ? "warn" : "good";
    if (!parts.length) return { level, text: `${up}, nobody waits for an edge`, more: "The next failure is survived.", survives_next: "yes" };
    return { level, text: parts.join("; "), more: `${up}. The next failure is survived.`, next: "Bring it back.", survives_next: "yes" };
  }

  // The edge dies: both its boundaries go to the neighbours.
  kill(name) {
    const edge = this.edge(name);
    const moved = this.delivering(name);
    const boundaries = [];
    for (const p of this.pairs) {
      if (p.low !== name && p.high !== name) continue;
      const after = p.low === name ? 0 : p.slots;
      boundaries.push({ pair: p.id, before: p.boundary, after });
      p.boundary = after;
      this.edge(p.low === name ? p.high : p.low).fail_safe = true;
    }
    edge.state = "down";
    this.takeovers += 5;
    const noticed = this.now();
    this.note("suspect", `lb-2 suspects ${name}: a connection was reset`, { edge: name });
    this.note("edge_down", `${name} is down; ${moved} sessions go on at its neighbours`, { edge: name });
    this.note("takeover", `5 responses of ${name} were finished from its partners`, { edge: name });
    this.receipts.unshift({
      edge: name, incarnation: edge.incarnation, noticed, by: "lb-2", cause: "reset", committed: noticed + 84, version: this.version,
      boundaries, moved, lost: 0, finished: 5, longest_gap: 412, broken: 0, returned: 0, copied_bytes: 0,
    });
    this.changed();
  }

  // It is back, and has copied that share of what it holds.
  copy(name, share) {
    const edge = this.edge(name);
    const total = edge.store_bytes;
    if (edge.state === "down") {
      edge.incarnation++;
      this.note("edge_up", `${name} is back and copies from its neighbours`, { edge: name });
    }
    edge.state = "recovering";
    edge.recovery = { bytes: Math.round(total * share), bytes_total: total, objects: Math.round(900 * share), total: 900, from: this.edges.find((e) => e.fail_safe)?.name };
    this.changed();
  }

  // Its copy is complete: the boundaries go home.
  ready(name) {
    const edge = this.edge(name);
    for (const p of this.pairs) if (p.low === name || p.high === name) p.boundary = p.home;
    for (const e of this.edges) e.fail_safe = false;
    edge.state = "up";
    delete edge.recovery;
    const receipt = this.receipts.find((r) => r.edge === name && r.returned === 0);
    if (receipt) Object.assign(receipt, { returned: this.now(), copied_bytes: edge.store_bytes });
    this.note("edge_ready", `${name} has copied what it holds and delivers again`, { edge: name });
    this.changed();
  }

  drain(name) {
    this.edge(name).state = "draining";
    for (const p of this.pairs) {
      if (p.low === name) p.boundary = 0;
      if (p.high === name) p.boundary = p.slots;
    }
    this.note("drain", `${name} is drained by an operator`, { edge: name });
    this.changed();
  }

  // Where an edge is away already, a second one leaves too little room.
  preview(name, order) {
    const away = this.edges.some((e) => e.name !== name && e.state !== "up");
    const boundaries = this.pairs.filter((p) => p.low === name || p.high === name)
      .map((p) => ({ pair: p.id, before: p.boundary, after: p.low === name ? 0 : p.slots }));
    return { edge: name, order, moves: this.delivering(name), boundaries, excess: away ? 3 : 0, margin_now: 5, margin: away ? -4 : 2, limit_now: 148, limit: 111, peak: this.edges.find((e) => e.name !== name)?.name, peak_load: 29, peak_capacity: this.slots };
  }

  streams() {
    return ["/sample/", "/live/one/", "/films/the-long-way-home/"].map((stream, i) => ({
      stream, pairs: [(i % this.pairs.length) + 1], edges: [this.edges[i % this.edges.length].name, this.edges[(i + 1) % this.edges.length].name], sessions: 31 - 11 * i,
    }));
  }

  sessions(limit) {
    const all = this.pairStatus().flatMap((p) => p.taken.flatMap((r) => Array.from({ length: r.to - r.from }, (_, i) => {
      const slot = r.from + i;
      return {
        pair: p.id, slot, generation: 7 + slot, stream: this.streams()[p.id % 3].stream, viewer: `192.0.2.${(slot * 7 + p.id) % 250}`, edge: slot < p.boundary ? p.low : p.high,
        position: 500 + slot, path: `720/seg-${500 + slot}.m4s`, tracks: ["video", "audio"].map((kind) => ({ kind, target: `720/seg-${500 + slot}.m4s`, sequence: 500 + slot, time: 2000 * slot, at: this.now() - 900 })), opened: this.now() - 60_000 * (slot + 1), seen: this.now() - 900 - slot * 10, standin: (slot < p.boundary) !== (slot < p.home),
      };
    })));
    return { total: all.length, sessions: all.slice(0, limit) };
  }
}
