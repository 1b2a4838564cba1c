// One edge on the ring: name, sessions, state, and a gauge of its load.
import { type Circle, type Point, angleOf, at, centre, gauge } from "./circle";
import { setAttribute, setStyle, setText, svg, type Shown } from "./dom";
import { signPath, tone } from "./edgestate";
import { count, shortened } from "./format";
import { colourOf } from "./palette";
import type { EdgeStatus } from "./wire";

// The gauge is open at the bottom, where the state stands.
const gaugeFrom = 140;
const gaugeTo = 400;

export class RingNode implements Shown<EdgeStatus> {
  readonly root = svg("a", { class: "node" });
  private readonly title = svg("title");
  private readonly load: SVGPathElement;
  private readonly limit: SVGPathElement;
  private readonly name = svg("text", { class: "name", "text-anchor": "middle" });
  private readonly number = svg("text", { class: "number", "text-anchor": "middle" });
  private readonly most = svg("text", { class: "most", "text-anchor": "middle" });
  private readonly badge = svg("g", { class: "badge" });
  private readonly badgeBox = svg("rect", { rx: 9, height: 18 });
  private readonly badgeSign = svg("path", { class: "stroke" });
  private readonly badgeWord = svg("text", { "text-anchor": "start" });
  private readonly middle: Point;

  constructor(private readonly c: Circle, index: number) {
    const angle = angleOf(c, index);
    const m = (this.middle = c.count === 1 ? { x: centre, y: centre } : at(angle, c.radius));
    const r = c.node;
    const width = c.crowded ? Math.max(2, r * 0.3) : 6;
    const on = gauge(m, r - width / 2, gaugeFrom, gaugeTo);
    this.load = svg("path", { class: "load", d: on, pathLength: 1, "stroke-width": width });
    this.limit = svg("path", { class: "limit" });
    this.root.append(
      this.title,
      svg("circle", { class: "disc", cx: m.x, cy: m.y, r }),
      svg("path", { class: "track", d: on, "stroke-width": width }),
      this.load,
      this.limit,
    );
    if (c.crowded) this.outside(angle);
    else this.inside();
  }

  private inside(): void {
    const { x, y } = this.middle;
    for (const [text, dy] of [[this.name, -19], [this.number, 10], [this.most, 27]] as const) {
      setAttribute(text, "x", x);
      setAttribute(text, "y", y + dy);
      this.root.append(text);
    }
    this.badge.append(this.badgeBox, this.badgeSign, this.badgeWord);
    this.root.append(this.badge);
  }

  private outside(angle: number): void {
    const p = at(angle, this.c.radius + this.c.node + 8);
    const turn = (angle * Math.PI) / 180;
    const left = Math.cos(turn) < -0.01;
    const anchor = Math.abs(Math.cos(turn)) < 0.01 && !this.c.dense ? "middle" : left ? "end" : "start";
    setAttribute(this.name, "text-anchor", anchor);
    setAttribute(this.name, "x", p.x);
    // Upright names grow away from the ring above and below it.
    setAttribute(this.name, "y", p.y + 4 + (this.c.dense ? 0 : 5 * Math.sin(turn)));
    if (this.c.dense) setAttribute(this.name, "transform", `rotate(${left ? angle + 180 : angle} ${p.x} ${p.y})`);
    this.badgeSign.classList.add("small");
    this.root.append(this.name, this.badgeSign);
  }

  update(edge: EdgeStatus): void {
    const over = edge.delivering > edge.capacity ? "over" : edge.delivering > edge.limit ? "beyond" : "";
    setAttribute(this.root, "class", `node ${colourOf(edge.name)} ${edge.fail_safe && edge.state === "up" ? "warn" : tone(edge.state)} ${edge.state} ${over}${this.c.dense ? " dense" : ""}`);
    setAttribute(this.root, "href", `#edge-${edge.name}`);
    const words = `${edge.name}: ${edge.state}${edge.fail_safe ? ", fail-safe" : ""}, delivers ${count(edge.delivering)}, limit ${count(edge.limit)}, capacity ${count(edge.capacity)}`;
    setText(this.title, words);
    setAttribute(this.root, "aria-label", words);
    const whole = Math.max(1, edge.capacity);
    setStyle(this.load, "stroke-dasharray", `${Math.min(1, edge.delivering / whole)} 2`);
    const tick = gaugeFrom + (gaugeTo - gaugeFrom) * Math.min(1, edge.limit / whole);
    setAttribute(this.limit, "d", this.tick(tick));
    setText(this.name, shortened(edge.name, this.c.crowded ? 10 : 13));
    if (this.c.crowded) this.crowdedState(edge);
    else this.words(edge);
  }

  private tick(angle: number): string {
    const a = (angle * Math.PI) / 180;
    const on = (r: number): string => `${(this.middle.x + r * Math.cos(a)).toFixed(2)} ${(this.middle.y + r * Math.sin(a)).toFixed(2)}`;
    return `M${on(this.c.node - (this.c.crowded ? 4 : 9))}L${on(this.c.node + 3)}`;
  }

  private words(edge: EdgeStatus): void {
    setText(this.number, count(edge.delivering));
    setText(this.most, `of ${count(edge.limit)}`);
    const word = edge.fail_safe && edge.state === "up" ? "fail-safe" : edge.state;
    const name = edge.fail_safe && edge.state === "up" ? "warn" : edge.state;
    setText(this.badgeWord, word);
    const width = 28 + this.badgeWord.getComputedTextLength();
    const left = this.middle.x - width / 2;
    const top = this.middle.y + this.c.node - 18;
    setAttribute(this.badge, "class", `badge ${name === "warn" ? "warn" : tone(edge.state)}`);
    setAttribute(this.badgeBox, "x", left);
    setAttribute(this.badgeBox, "y", top);
    setAttribute(this.badgeBox, "width", width);
    setAttribute(this.badgeSign, "d", signPath(name));
    setAttribute(this.badgeSign, "transform", `translate(${left + 5} ${top + 3}) scale(.75)`);
    setAttribute(this.badgeWord, "x", left + 20);
    setAttribute(this.badgeWord, "y", top + 13);
  }

  private crowdedState(edge: EdgeStatus): void {
    const scale = (this.c.node * 1.2) / 16;
    setAttribute(this.badgeSign, "d", signPath(edge.fail_safe && edge.state === "up" ? "warn" : edge.state));
    setAttribute(this.badgeSign, "transform", `translate(${this.middle.x - 8 * scale} ${this.middle.y - 8 * scale}) scale(${scale})`);
  }
}
