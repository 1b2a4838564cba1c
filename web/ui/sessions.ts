// The sessions, searched by any word of theirs.
import type { Actions } from "./actions";
import { h, Keyed, setAttribute, setText, type Shown } from "./dom";
import { count, mediaTime, span } from "./format";
import { colourOf } from "./palette";
import { cell, line, Table } from "./table";
import type { SessionInfo, SessionList, Track } from "./wire";

export const asked = 2000; // sessions that are asked for and searched
const most = 200; // rows

function words(s: SessionInfo): string {
  return `${s.stream} ${s.viewer} ${s.edge} ${s.path} ${s.pair}-${s.slot}-${s.generation} ${s.standin ? "stand-in" : ""}`.toLowerCase();
}

// place is how far a track is: the number of the segment, or its time in the units of the
// MPD ($Time$), and where in the presentation that is.
function place(t: Track): string {
  return `${t.sequence < 0 ? "" : `${count(t.sequence)} `}(${mediaTime(t.time)})`;
}

class SessionRow implements Shown<SessionInfo> {
  readonly root: HTMLTableRowElement;
  private readonly id = h("code");
  private readonly edge = h("span", { class: "place" });
  private readonly swatch = h("span", { class: "swatch" });
  private readonly edgeName = h("span");
  private readonly standin = h("span", { class: "pill warn", title: "delivered for a neighbour that is missing" }, "stand-in");
  private readonly stream = line();
  private readonly position = line();
  private readonly seen = line();

  constructor(private session: SessionInfo, actions: Actions) {
    this.edge.append(this.swatch, this.edgeName);
    const end = h("button", { type: "button", "aria-label": `end session ${session.pair}-${session.slot}-${session.generation}`, onclick: () => actions.endSession(this.session) }, "end");
    this.root = h("tr", { role: "row" },
      cell("Slot", this.id), cell("Edge", h("span", { class: "two" }, this.edge, this.standin)), cell("Stream", this.stream.root),
      cell("Position", this.position.root), cell("Seen", this.seen.root), cell("Orders", h("span", { class: "orders" }, end)));
  }

  update(s: SessionInfo): void {
    this.session = s;
    setText(this.id, `${s.pair}-${s.slot}`);
    setAttribute(this.id, "title", `pair ${s.pair}, slot ${s.slot}, generation ${s.generation}`);
    setAttribute(this.swatch, "class", `swatch ${colourOf(s.edge)}`);
    setText(this.edgeName, s.edge);
    this.standin.hidden = !s.standin;
    this.stream.show(s.stream, s.viewer);
    const tracks = s.tracks ?? [];
    const places = tracks.map((t) => `${tracks.length > 1 ? `${t.kind} ` : ""}${place(t)}`);
    this.position.show(places.length === 0 ? "–" : places.join(" · "), s.path);
    const now = Date.now();
    this.seen.show(`${span(Math.max(0, now - s.seen))} ago`, `open for ${span(Math.max(0, now - s.opened))}`);
  }
}

export class Sessions {
  private readonly rows: Keyed<SessionInfo>;
  private readonly table = new Table("Sessions", ["Slot", "Edge", "Stream, viewer", "Position", "Seen", "Orders"]);
  private readonly filter: HTMLInputElement;
  private readonly summary = h("p", { class: "summary", role: "status" });
  private list: SessionList = { total: 0, sessions: [] };

  constructor(parent: Element, actions: Actions) {
    this.filter = h("input", { type: "search", placeholder: "stream, viewer, edge or slot", "aria-label": "Filter the sessions", oninput: () => this.show() });
    parent.append(h("div", { class: "tools" }, this.filter, this.summary), h("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Sessions" }, this.table.root));
    this.rows = new Keyed(this.table.body, (s) => `${s.pair}-${s.slot}-${s.generation}`, (s) => new SessionRow(s, actions));
  }

  update(list: SessionList): void {
    this.list = list;
    this.show();
  }

  private show(): void {
    const { total, sessions } = this.list;
    const wanted = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = wanted.length === 0 ? sessions : sessions.filter((s) => wanted.every((w) => words(s).includes(w)));
    const shown = found.slice(0, most);
    this.rows.show(shown);
    this.table.root.hidden = shown.length === 0;
    const searched = total > sessions.length ? `; the first ${count(sessions.length)} were searched` : "";
    const text = wanted.length === 0
      ? shown.length < total ? `${count(shown.length)} of ${count(total)}` : `${count(total)} in all`
      : `${count(shown.length)} of ${count(found.length)} that match, ${count(total)} in all${searched}`;
    setText(this.summary, total === 0 ? "nobody watches" : text);
  }
}
