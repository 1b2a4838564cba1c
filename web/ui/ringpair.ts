// One pair on the ring: a lane between two edges, in the low member's colour up
// to the boundary and in the high member's from there. What is taken of it is
// drawn full, what is free is pale.
import { type Circle, type Span, arc, at, centre, chord, spanOf } from "./circle";
import { setAttribute, setStyle, setText, svg, type Shown } from "./dom";
import { colourOf } from "./palette";
import type { PairStatus, Run } from "./wire";

const lane = 13;

// The runs between from and to as dashes, in slots.
function dashes(runs: readonly Run[], from: number, to: number): string {
  const parts: number[] = [];
  let position = 0;
  for (const run of runs) {
    const start = Math.max(run.from, from);
    const end = Math.min(run.to, to);
    if (end <= start) continue;
    if (parts.length === 0) parts.push(0, start);
    else parts.push(start - position);
    parts.push(end - start);
    position = end;
  }
  // A trailing gap; the number of parts is even.
  return parts.length === 0 ? "0 1000000" : [...parts, 1_000_000].join(" ");
}

export class RingPair implements Shown<PairStatus> {
  readonly root = svg("g", { class: "lane" });
  private readonly title = svg("title");
  private readonly high = svg("path", { class: "territory" });
  private readonly low = svg("path", { class: "territory" });
  private readonly highTaken = svg("path", { class: "taken" });
  private readonly lowTaken = svg("path", { class: "taken" });
  private readonly divider = svg("g", { class: "divider" });
  private readonly home = svg("path", { class: "home" });
  private readonly label = svg("text", { class: "boundary" });
  private readonly span: Span | undefined;

  constructor(private readonly c: Circle, low: number, high: number, pair: PairStatus) {
    this.span = pair.retiring ? undefined : spanOf(c, low, high);
    const d = this.span ? arc(this.span, c.radius) : chord(c, low, high);
    const width = this.span ? (c.crowded ? Math.max(6, Math.min(lane, c.node * 0.6)) : lane) : 5;
    for (const path of [this.high, this.low, this.highTaken, this.lowTaken]) {
      setAttribute(path, "d", d);
      setAttribute(path, "stroke-width", width);
    }
    this.root.append(this.title, this.high, this.low, this.highTaken, this.lowTaken);
    if (!this.span) {
      this.root.classList.add("inside");
      return;
    }
    const reach = width / 2 + (c.dense ? 2 : 5);
    this.divider.append(
      svg("line", { x1: centre + c.radius - reach, x2: centre + c.radius + reach, y1: centre, y2: centre }),
      svg("circle", { cx: centre + c.radius + reach, cy: centre, r: c.dense ? 0 : c.crowded ? 2 : 3.2 }),
    );
    this.root.append(this.home, this.divider);
    if (c.count <= 16) this.place();
  }

  private place(): void {
    const span = this.span as Span;
    const middle = (span.from + span.to) / 2;
    const p = at(middle, this.c.radius + 26);
    const across = Math.cos((middle * Math.PI) / 180);
    setAttribute(this.label, "text-anchor", across > 0.25 ? "start" : across < -0.25 ? "end" : "middle");
    setAttribute(this.label, "x", p.x);
    setAttribute(this.label, "y", p.y + 5);
    this.root.append(this.label);
  }

  update(pair: PairStatus): void {
    const slots = Math.max(1, pair.slots);
    for (const path of [this.high, this.low, this.highTaken, this.lowTaken]) setAttribute(path, "pathLength", slots);
    setAttribute(this.high, "class", `territory ${colourOf(pair.high)}`);
    setAttribute(this.low, "class", `territory opaque ${colourOf(pair.low)}`);
    setStyle(this.low, "stroke-dasharray", `${pair.boundary} ${2 * slots}`);
    setAttribute(this.highTaken, "class", `taken ${colourOf(pair.high)}`);
    setAttribute(this.lowTaken, "class", `taken ${colourOf(pair.low)}`);
    setAttribute(this.highTaken, "stroke-dasharray", dashes(pair.taken, pair.boundary, pair.slots));
    setAttribute(this.lowTaken, "stroke-dasharray", dashes(pair.taken, 0, pair.boundary));
    setText(this.title, `pair ${pair.id}, ${pair.low} and ${pair.high}: boundary ${pair.boundary} of ${pair.slots}, home ${pair.home}; ${pair.low} delivers ${pair.low_delivering}, ${pair.high} ${pair.high_delivering}`);
    setText(this.label, `${pair.boundary}/${pair.slots}`);
    setAttribute(this.label, "class", pair.boundary === pair.home ? "boundary" : "boundary away");
    if (!this.span) return;
    const { from, to } = this.span;
    const angle = (slot: number): number => from + ((to - from) * slot) / slots;
    setStyle(this.divider, "transform", `rotate(${angle(pair.boundary).toFixed(3)}deg)`);
    const inner = this.c.radius - (this.c.crowded ? 6 : 10);
    const [tip, left, right] = [at(angle(pair.home), inner), at(angle(pair.home) - 1.9, inner - 9), at(angle(pair.home) + 1.9, inner - 9)];
    setAttribute(this.home, "d", this.c.crowded ? "" : `M${tip.x} ${tip.y}L${left.x} ${left.y}L${right.x} ${right.y}Z`);
  }
}
