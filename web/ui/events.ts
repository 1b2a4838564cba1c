// What happened, newest first, as it happens.
import { h, Keyed, setText, type Shown } from "./dom";
import { sign } from "./edgestate";
import { clock, date, plural } from "./format";
import type { Happening } from "./wire";

const most = 300; // kept

const tones: Record<string, string> = {
  edge_down: "bad", suspect: "warn", refused: "warn", takeover: "warn", drain: "warn", left: "warn", remove: "warn",
  edge_up: "good", edge_ready: "good", resume: "good", joined: "good",
};

const signNames: Record<string, string> = {
  edge_down: "down", edge_up: "recovering", edge_ready: "up", joined: "joining", drain: "draining", resume: "up", left: "leaving", remove: "leaving",
  suspect: "warn", refused: "warn", takeover: "warn",
};

function key(e: Happening): string {
  return `${e.time} ${e.version ?? ""} ${e.kind} ${e.edge ?? ""} ${e.pair ?? ""} ${e.text}`;
}

class EventItem implements Shown<Happening> {
  readonly root: HTMLLIElement;

  constructor(e: Happening) {
    this.root = h("li", { class: tones[e.kind] ?? "plain" },
      sign(signNames[e.kind] ?? "dot"),
      h("time", { datetime: new Date(e.time).toISOString(), title: date(e.time) }, clock(e.time)),
      h("span", { class: "kind" }, e.kind),
      h("span", { class: "text" }, e.text));
  }

  update(): void {
    // What happened does not change.
  }
}

export class Events {
  private readonly items: Keyed<Happening>;
  private readonly filter: HTMLInputElement;
  private readonly summary = h("p", { class: "summary" });
  private readonly all = new Map<string, Happening>();
  private sorted: Happening[] = [];

  constructor(parent: Element) {
    const box = h("ol", { class: "events", "aria-label": "Events, newest first" });
    this.filter = h("input", { type: "search", placeholder: "kind, edge or word", "aria-label": "Filter the events", oninput: () => this.show() });
    parent.append(h("div", { class: "tools" }, this.filter, this.summary), h("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Events" }, box));
    this.items = new Keyed(box, key, (e) => new EventItem(e));
  }

  add(events: readonly Happening[]): void {
    const before = this.all.size;
    for (const e of events) this.all.set(key(e), e);
    if (this.all.size === before) return;
    this.sorted = [...this.all.values()].sort((a, b) => b.time - a.time || (b.version ?? 0) - (a.version ?? 0));
    for (const e of this.sorted.splice(most)) this.all.delete(key(e));
    this.show();
  }

  private show(): void {
    const wanted = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = this.sorted.filter((e) => wanted.every((w) => `${e.kind} ${e.edge ?? ""} ${e.stream ?? ""} ${e.text}`.toLowerCase().includes(w)));
    this.items.show(found);
    setText(this.summary, found.length === this.sorted.length ? plural(found.length, "event") : `${found.length} of ${plural(this.sorted.length, "event")}`);
  }
}
