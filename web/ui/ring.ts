// The ring: edges in a circle, pairs as lanes between neighbours.
import { type Circle, centre, circle, size } from "./circle";
import { h, setAttribute, setText, svg } from "./dom";
import { StatePill } from "./edgestate";
import { count, plural } from "./format";
import { RingNode } from "./ringnode";
import { RingPair } from "./ringpair";
import type { EdgeStatus, PairStatus, Status } from "./wire";

export class Ring {
  private readonly drawing = svg("svg", { class: "ring", viewBox: `0 0 ${size} ${size}`, role: "group", "aria-label": "The ring of edges" });
  private readonly lanes = svg("g");
  private readonly nodes = svg("g");
  private readonly total = svg("text", { class: "total", x: centre, y: centre - 2, "text-anchor": "middle" });
  private readonly of = svg("text", { class: "of", x: centre, y: centre + 20, "text-anchor": "middle" });
  private readonly safe = svg("text", { class: "safe", x: centre, y: centre + 44, "text-anchor": "middle" });
  private readonly waiting = h("ul", { class: "joining", "aria-label": "Edges that are not in the ring yet" });
  private drawn = "";
  private edges = new Map<string, RingNode>();
  private pairs = new Map<number, RingPair>();

  constructor(parent: Element) {
    this.drawing.append(svg("g", { class: "middle" }, this.total, this.of, this.safe), this.lanes, this.nodes);
    parent.append(this.drawing, this.waiting);
  }

  update(status: Status): void {
    const inPairs = new Set(status.pairs.flatMap((p) => [p.low, p.high]));
    const members = status.edges.filter((e) => (e.state !== "joining" && e.state !== "pending") || inPairs.has(e.name));
    this.draw(members, status.pairs);
    for (const edge of members) this.edges.get(edge.name)?.update(edge);
    for (const pair of status.pairs) this.pairs.get(pair.id)?.update(pair);
    this.middle(status, members);
    const outside = status.edges.filter((e) => !members.includes(e));
    this.waiting.hidden = outside.length === 0;
    const names = outside.map((e) => e.name).join();
    if (this.waiting.dataset.names === names) return;
    this.waiting.dataset.names = names;
    this.waiting.replaceChildren(...outside.map((e) => {
      const pill = new StatePill();
      pill.show(e.state);
      return h("li", {}, `${e.name} `, pill.root);
    }));
  }

  // Makes the elements anew when other edges or pairs are there.
  private draw(members: readonly EdgeStatus[], pairs: readonly PairStatus[]): void {
    const key = JSON.stringify([members.map((e) => e.name), pairs.map((p) => [p.id, p.low, p.high, p.retiring ?? false])]);
    if (key === this.drawn) return;
    this.drawn = key;
    const c: Circle = circle(members.length);
    const index = new Map(members.map((e, i) => [e.name, i]));
    this.edges = new Map(members.map((e, i) => [e.name, new RingNode(c, i)]));
    this.pairs = new Map();
    for (const pair of pairs) {
      const [low, high] = [index.get(pair.low), index.get(pair.high)];
      if (low === undefined || high === undefined || low === high) continue;
      this.pairs.set(pair.id, new RingPair(c, low, high, pair));
    }
    this.lanes.replaceChildren(...[...this.pairs.values()].map((p) => p.root));
    this.nodes.replaceChildren(...[...this.edges.values()].map((e) => e.root));
  }

  private middle(status: Status, members: readonly EdgeStatus[]): void {
    const limit = members.filter((e) => e.state === "up").reduce((sum, e) => sum + e.limit, 0);
    const survived = status.verdict.survives_next;
    const alone = members.length < 2;
    setText(this.total, alone ? "" : count(status.sessions));
    setText(this.of, alone ? "" : `${status.sessions === 1 ? "session" : "sessions"} of ${count(limit)}`);
    setText(this.safe, alone ? "" : { yes: "✓ next failure survived", no: "! next failure not survived", unknown: "? next failure not known" }[survived]);
    setAttribute(this.safe, "class", { yes: "safe good", no: "safe bad", unknown: "safe warn" }[survived]);
    setAttribute(this.drawing, "aria-label", `The ring: ${plural(members.length, "edge")}, ${plural(this.pairs.size, "pair")}`);
  }
}
