// The session tables: a strip of slots a pair, with the boundary and its home.
import { h, Keyed, setAttribute, setStyle, setText, svg, type Shown } from "./dom";
import { count, plural } from "./format";
import { colourOf } from "./palette";
import type { PairStatus, Run, Status } from "./wire";

const depth = 10; // of the strip, in units of its view box

// Up to this many slots, each is set off from the next.
const countable = 128;

function blocks(runs: readonly Run[], from: number, to: number): string {
  let d = "";
  for (const run of runs) {
    const [start, end] = [Math.max(run.from, from), Math.min(run.to, to)];
    if (end > start) d += `M${start} 0h${end - start}v${depth}h${start - end}z`;
  }
  return d;
}

class PairStrip implements Shown<PairStatus> {
  readonly root: HTMLElement;
  private readonly low = h("span", { class: "member" });
  private readonly high = h("span", { class: "member" });
  private readonly about = h("span", { class: "about" });
  private readonly strip = svg("svg", { preserveAspectRatio: "none", role: "img" });
  private readonly lowGround = svg("rect", { class: "ground", x: 0, y: 0, height: depth });
  private readonly highGround = svg("rect", { class: "ground", y: 0, height: depth });
  private readonly lowTaken = svg("path", { class: "full" });
  private readonly highTaken = svg("path", { class: "full" });
  private readonly adopted = svg("g");
  private readonly grid = svg("path", { class: "grid" });
  private readonly boundary = h("span", { class: "boundary" });
  private readonly flag = h("b");
  private readonly home = h("span", { class: "home", title: "home: the boundary when nobody is missing" });

  constructor() {
    this.strip.append(this.lowGround, this.highGround, this.lowTaken, this.highTaken, this.adopted, this.grid);
    this.boundary.append(this.flag);
    this.root = h("div", { class: "pair" },
      h("div", { class: "members" }, this.low, this.about, this.high),
      h("div", { class: "strip" }, this.strip, this.home, this.boundary));
  }

  update(pair: PairStatus): void {
    const { slots, boundary } = pair;
    const share = (slot: number): string => `${(100 * slot) / Math.max(1, slots)}%`;
    setAttribute(this.low, "class", `member ${colourOf(pair.low)}`);
    setAttribute(this.high, "class", `member right ${colourOf(pair.high)}`);
    setText(this.low, `${pair.low} ${count(pair.low_delivering)}`);
    setText(this.high, `${count(pair.high_delivering)} ${pair.high}`);
    const free = slots - pair.low_delivering - pair.high_delivering;
    const away = (boundary === pair.home ? "" : ` · home ${pair.home}`) + (pair.note ? ` · ${pair.note}` : "");
    setText(this.about, `pair ${pair.id}${pair.retiring ? " · retiring" : ""} · ${count(free)} of ${plural(slots, "slot")} free · ${plural(pair.streams, "stream")}${away}`);
    setAttribute(this.strip, "viewBox", `0 0 ${Math.max(1, slots)} ${depth}`);
    setAttribute(this.strip, "aria-label", `pair ${pair.id}: ${pair.low} has slots 0 to ${boundary - 1}, ${pair.high} ${boundary} to ${slots - 1}; home ${pair.home}`);
    setAttribute(this.lowGround, "class", `ground ${colourOf(pair.low)}`);
    setStyle(this.lowGround, "width", `${boundary}px`);
    setAttribute(this.highGround, "class", `ground ${colourOf(pair.high)}`);
    setAttribute(this.highGround, "width", slots);
    setAttribute(this.lowTaken, "d", blocks(pair.taken, 0, boundary));
    setAttribute(this.lowTaken, "class", `full ${colourOf(pair.low)}`);
    setAttribute(this.highTaken, "d", blocks(pair.taken, boundary, slots));
    setAttribute(this.highTaken, "class", `full ${colourOf(pair.high)}`);
    setAttribute(this.grid, "d", slots <= countable ? Array.from({ length: slots - 1 }, (_, i) => `M${i + 1} 0v${depth}`).join("") : "");
    setStyle(this.boundary, "left", share(boundary));
    setText(this.flag, count(boundary));
    setAttribute(this.boundary, "data-side", boundary > slots * 0.9 ? "left" : boundary < slots * 0.1 ? "right" : null);
    setStyle(this.home, "left", share(pair.home));
    this.showAdopted(pair);
  }

  // Both members are missing: others deliver ranges of the table.
  private showAdopted(pair: PairStatus): void {
    const key = JSON.stringify([pair.adopted, pair.taken]);
    if (this.adopted.dataset.key === key) return;
    this.adopted.dataset.key = key;
    this.adopted.replaceChildren(...(pair.adopted ?? []).map((a) =>
      svg("path", { class: `full ${colourOf(a.edge)}`, d: blocks(pair.taken, a.from, a.to) }, svg("title", {}, `${a.from} to ${a.to - 1}: ${a.edge}`))));
  }
}

export class Pairs {
  private readonly strips: Keyed<PairStatus>;
  private readonly empty = h("p", { class: "nothing" }, "No pair yet: a ring needs two edges.");

  constructor(parent: Element) {
    const box = h("div", { class: "pairs" });
    parent.append(this.empty, box);
    this.strips = new Keyed(box, (p) => String(p.id), () => new PairStrip());
  }

  update(status: Status): void {
    this.empty.hidden = status.pairs.length > 0;
    this.strips.show(status.pairs);
  }
}
