// The state of an edge, shown by colour, sign and word alike.
import { h, setAttribute, setText, svg } from "./dom";
import type { EdgeState } from "./wire";

// Signs are drawn in a box of 16 x 16.
const signs: Record<string, string> = {
  up: "M3.5 8.5l3 3 6-7",
  down: "M4 4l8 8M12 4l-8 8",
  silent: "M4 4l8 8M12 4l-8 8",
  recovering: "M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3.5 13.5h9",
  pending: "M8 3v6M8 12v.6",
  joining: "M8 3v10M3 8h10",
  draining: "M5.5 3.5v9M10.5 3.5v9",
  leaving: "M3 8h9M8.5 4L12.5 8l-4 4",
  dot: "M8 7.5v1M7.5 8h1",
  warn: "M8 3v6M8 12v.6",
};

const meanings: Record<EdgeState, string> = {
  up: "delivers, takes new sessions",
  down: "gives no sign of life; its sessions are with its neighbours",
  silent: "gives no sign of life; its neighbours stand in, and no majority of the balancers can say so",
  recovering: "is back and copies from its neighbours before it delivers again",
  pending: "waits to be accepted: by its capacity the limits of the others would fall",
  joining: "is new and copies what it will hold",
  draining: "delivers nothing, still holds its copies",
  leaving: "leaves as soon as its neighbours have copied what they need",
};

export function tone(state: string): string {
  if (state === "up") return "good";
  return state === "down" || state === "silent" ? "bad" : "warn";
}

export function sign(name: string): SVGSVGElement {
  return svg("svg", { class: "sign", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: signs[name] ?? signs.warn }));
}

export function signPath(name: string): string {
  return signs[name] ?? "";
}

export class StatePill {
  readonly root = h("span", { class: "pill" });
  private readonly word = h("span");
  private state = "";

  show(state: EdgeState): void {
    if (state === this.state) return;
    this.state = state;
    this.root.replaceChildren(sign(state), this.word);
    setText(this.word, state);
    setAttribute(this.root, "class", `pill ${tone(state)}`);
    setAttribute(this.root, "title", meanings[state]);
  }
}
