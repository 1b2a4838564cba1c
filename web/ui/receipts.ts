// Failure receipts: what each death of an edge cost, a card each.
import { h, Keyed, setAttribute, setText, type Shown } from "./dom";
import { sign } from "./edgestate";
import { bytes, clock, count, date, span } from "./format";
import { colourOf } from "./palette";
import type { BoundaryMove, PairStatus, Receipt, Status } from "./wire";

const most = 20; // cards

class Figure {
  readonly root: HTMLElement;
  private readonly value = h("dd");

  constructor(term: string, about: string) {
    this.root = h("div", { title: about }, h("dt", {}, term), this.value);
  }

  show(text: string, tone = ""): void {
    setText(this.value, text);
    setAttribute(this.value, "class", tone || null);
  }
}

function move(m: BoundaryMove, pair: PairStatus | undefined): HTMLElement {
  const who = pair ? [h("span", { class: `swatch ${colourOf(pair.low)}` }), h("span", { class: `swatch ${colourOf(pair.high)}` })] : [];
  return h("li", { title: pair ? `${pair.low} and ${pair.high}, ${pair.slots} slots` : "" }, ...who, `pair ${m.pair}: `, h("b", {}, `${m.before} → ${m.after}`));
}

class Card implements Shown<Receipt> {
  readonly root: HTMLElement;
  private readonly swatch = h("span", { class: "swatch" });
  private readonly title = h("h3");
  private readonly time = h("time");
  private readonly told = h("p");
  private readonly moves = h("ul", { class: "moves", "aria-label": "Boundaries before and after" });
  private readonly committed = new Figure("committed after", "from the first notice to the commit of the new boundaries");
  private readonly moved = new Figure("moved", "sessions that changed edges");
  private readonly lost = new Figure("lost", "sessions for which no capacity was left");
  private readonly finished = new Figure("finished", "responses that broke and were finished from the partner, by all balancers");
  private readonly broken = new Figure("broken", "responses that could not be finished");
  private readonly gap = new Figure("longest gap", "without a byte, the worst response of all");
  private readonly returned = new Figure("returned", "how long it was away");
  private readonly copied = new Figure("copied", "what it copied from its neighbours before it delivered again");
  private movesKey = "";

  constructor(private readonly pairs: () => readonly PairStatus[]) {
    this.root = h("article", { class: "receipt" },
      h("header", {}, sign("down"), this.swatch, this.title, this.time),
      this.told,
      h("dl", {}, ...[this.committed, this.moved, this.lost, this.finished, this.broken, this.gap, this.returned, this.copied].map((f) => f.root)),
      this.moves);
  }

  update(r: Receipt): void {
    setAttribute(this.root, "class", r.returned > 0 ? "receipt closed" : "receipt open");
    setAttribute(this.swatch, "class", `swatch ${colourOf(r.edge)}`);
    setText(this.title, r.edge);
    setText(this.time, clock(r.noticed));
    setAttribute(this.time, "title", date(r.noticed));
    setText(this.told, `${r.cause || "silent"}, noticed by ${r.by || "nobody"}; version ${r.version}, incarnation ${r.incarnation}`);
    this.committed.show(r.committed > 0 ? span(r.committed - r.noticed) : "not yet", r.committed > 0 ? "" : "warn");
    this.moved.show(count(r.moved));
    this.lost.show(count(r.lost), r.lost > 0 ? "bad" : "good");
    this.finished.show(count(r.finished));
    this.broken.show(count(r.broken), r.broken > 0 ? "bad" : "good");
    this.gap.show(span(r.longest_gap));
    this.returned.show(r.returned > 0 ? `after ${span(r.returned - r.noticed)}` : "not yet", r.returned > 0 ? "" : "warn");
    this.copied.show(bytes(r.copied_bytes));
    const pairs = this.pairs();
    const key = JSON.stringify([r.boundaries, pairs.map((p) => [p.id, colourOf(p.low), colourOf(p.high)])]);
    if (key === this.movesKey) return;
    this.movesKey = key;
    this.moves.replaceChildren(...r.boundaries.map((m) => move(m, pairs.find((p) => p.id === m.pair))));
  }
}

export class Receipts {
  private readonly cards: Keyed<Receipt>;
  private readonly empty = h("p", { class: "nothing" }, "No edge has died. When one does, what it cost is written here.");
  private receipts: readonly Receipt[] = [];
  private pairs: readonly PairStatus[] = [];

  constructor(parent: Element) {
    const box = h("div", { class: "receipts" });
    parent.append(this.empty, h("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Failure receipts" }, box));
    this.cards = new Keyed(box, (r) => `${r.edge} ${r.incarnation} ${r.noticed}`, () => new Card(() => this.pairs));
  }

  status(status: Status): void {
    this.pairs = status.pairs;
  }

  update(receipts: readonly Receipt[]): void {
    this.receipts = receipts;
    this.empty.hidden = receipts.length > 0;
    this.cards.show(this.receipts.slice(0, most));
  }
}
