// The table of edges: state, load, what is left after a death, store, orders.
import type { Actions } from "./actions";
import type { Order } from "./api";
import { h, Keyed, setAttribute, setStyle, setText, type Shown } from "./dom";
import { StatePill } from "./edgestate";
import { bytes, count, percent, plural, signed, span } from "./format";
import { colourOf } from "./palette";
import { cell, line, Table } from "./table";
import type { EdgeStatus, Status } from "./wire";

// A report older than this is shown as old.
const oldReport = 2000;

class EdgeRow implements Shown<EdgeStatus> {
  readonly root: HTMLTableRowElement;
  private readonly swatch = h("span", { class: "swatch" });
  private readonly name = h("strong");
  private readonly about = h("small");
  private readonly pill = new StatePill();
  private readonly safe = h("span", { class: "pill warn", title: "delivers for a missing neighbour, takes no new stream" }, "fail-safe");
  private readonly copy = h("progress", { max: 100 });
  private readonly copied = h("small");
  private readonly note = h("small", { class: "note" });
  private readonly load = h("span", { class: "fill" });
  private readonly tick = h("span", { class: "tick" });
  private readonly meter: HTMLElement;
  private readonly loadText = h("span", { class: "figures" });
  private readonly margin = line();
  private readonly hits = line();
  private readonly store = line();
  private readonly buttons: Record<Order, HTMLButtonElement>;

  constructor(private edge: EdgeStatus, actions: Actions) {
    this.meter = h("div", { class: "meter", role: "meter", "aria-valuemin": 0 }, this.load, this.tick);
    const order = (what: Order): HTMLButtonElement =>
      h("button", { type: "button", "aria-label": `${what} ${edge.name}`, onclick: () => actions.order(this.edge, what) }, what);
    this.buttons = { drain: order("drain"), resume: order("resume"), remove: order("remove"), accept: order("accept") };
    this.root = h("tr", { id: `edge-${edge.name}`, role: "row", tabindex: -1 },
      cell("Edge", this.swatch, h("span", { class: "two" }, this.name, this.about)),
      cell("State", h("span", { class: "two" }, h("span", { class: "pills" }, this.pill.root, this.safe), this.copy, this.copied, this.note)),
      cell("Sessions", h("div", { class: "loading" }, this.meter, this.loadText)),
      cell("N−1 margin", this.margin.root),
      cell("Hits", this.hits.root),
      cell("Store", this.store.root),
      cell("Orders", h("span", { class: "orders" }, this.buttons.accept, this.buttons.drain, this.buttons.resume, this.buttons.remove)));
  }

  update(edge: EdgeStatus): void {
    this.edge = edge;
    setAttribute(this.swatch, "class", `swatch ${colourOf(edge.name)}`);
    setText(this.name, edge.name);
    const old = edge.report_age > oldReport || edge.report_age < 0;
    setText(this.about, edge.report_age < 0 ? "no report" : old ? `silent for ${span(edge.report_age)}` : plural(edge.streams, "stream") + (edge.zone ? `, ${edge.zone}` : ""));
    setAttribute(this.about, "class", old ? "bad" : null);
    setAttribute(this.name, "title", `${edge.http}, incarnation ${edge.incarnation}${edge.zone ? `, zone ${edge.zone}` : ""}`);
    this.pill.show(edge.state);
    this.safe.hidden = !edge.fail_safe;
    setText(this.note, edge.note ?? "");
    this.updateRecovery(edge);
    this.updateLoad(edge);
    // What does not deliver has no margin: it is not counted on.
    const counted = edge.state === "up" || edge.state === "draining";
    if (counted) this.margin.show(signed(edge.margin), edge.margin < 0 ? "above capacity" : "after a death", edge.margin < 0 ? "bad" : "");
    else this.margin.show("–", "");
    const heard = edge.report_age >= 0; // else nothing is known, which is not 0
    this.hits.show(heard ? percent(edge.hits, edge.hits + edge.misses) : "–", heard ? `${count(edge.origin_asked)} to origin` : "");
    this.store.show(heard ? bytes(edge.store_bytes) : "–", heard ? `${bytes(edge.sent_bytes)} sent` : "");
    this.buttons.accept.hidden = !(edge.state === "pending" || (edge.asks ?? 0) > 0);
    this.buttons.drain.hidden = !(edge.state === "up");
    this.buttons.resume.hidden = !(edge.state === "draining");
    this.buttons.remove.disabled = edge.state === "leaving";
  }

  private updateRecovery(edge: EdgeStatus): void {
    const r = edge.recovery;
    const copying = r !== undefined && (edge.state === "recovering" || edge.state === "joining" || edge.state === "leaving") && !r.error;
    this.copy.hidden = this.copied.hidden = !copying;
    if (!copying) return;
    const [done, whole] = r.bytes_total > 0 ? [r.bytes, r.bytes_total] : [r.objects, r.total];
    this.copy.value = whole > 0 ? (100 * done) / whole : 0;
    setAttribute(this.copy, "aria-label", `copy of ${edge.name}`);
    setText(this.copied, `${percent(done, whole)}${r.from ? ` from ${r.from}` : " copied"}`);
    setAttribute(this.copied, "title", `${bytes(r.bytes)} of ${bytes(r.bytes_total)}, ${count(r.objects)} of ${plural(r.total, "object")}`);
  }

  private updateLoad(edge: EdgeStatus): void {
    const whole = Math.max(1, edge.capacity);
    const over = edge.delivering > edge.capacity ? "over" : edge.delivering > edge.limit ? "beyond" : "";
    setAttribute(this.meter, "class", `meter ${colourOf(edge.name)} ${over}`);
    setStyle(this.load, "width", `${Math.min(100, (100 * edge.delivering) / whole)}%`);
    setStyle(this.tick, "left", `${Math.min(100, (100 * edge.limit) / whole)}%`);
    setAttribute(this.meter, "aria-valuemax", edge.capacity);
    setAttribute(this.meter, "aria-valuenow", edge.delivering);
    setAttribute(this.meter, "aria-label", `${edge.name} delivers ${edge.delivering} of at most ${edge.limit}, capacity ${edge.capacity}`);
    const text = `${count(edge.delivering)} / ${count(edge.limit)} / ${count(edge.capacity)}`;
    setText(this.loadText, text);
  }
}

export class Edges {
  private readonly rows: Keyed<EdgeStatus>;

  constructor(parent: Element, actions: Actions) {
    const table = new Table("Edges", ["Edge", "State", "Sessions / limit / capacity", "N−1 margin", "Hits", "Store", "Orders"]);
    parent.append(table.root);
    this.rows = new Keyed(table.body, (e) => e.name, (e) => new EdgeRow(e, actions));
  }

  update(status: Status): void {
    this.rows.show(status.edges);
  }
}
