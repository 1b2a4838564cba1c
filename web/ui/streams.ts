// The streams: where each is stored, and how many watch it.
import { h, Keyed, setAttribute, setText, type Shown } from "./dom";
import { count, plural } from "./format";
import { colourOf } from "./palette";
import { cell, Table } from "./table";
import type { StreamStatus } from "./wire";

const most = 200; // rows

class StreamRow implements Shown<StreamStatus> {
  readonly root: HTMLTableRowElement;
  private readonly name = h("code");
  private readonly places = h("span", { class: "places" });
  private readonly pairs = h("span");
  private readonly sessions = h("span", { class: "value" });
  private readonly play = h("button", { type: "button", class: "play", title: "play it in this page", onclick: () => this.open(this.entry) }, "▶");
  private edges = "";
  private entry = "";

  constructor(private readonly open: (entry: string) => void) {
    this.root = h("tr", { role: "row" }, cell("Stream", this.play, this.name), cell("Stored at", this.places), cell("Pairs", this.pairs), cell("Sessions", this.sessions));
  }

  update(stream: StreamStatus): void {
    setText(this.name, stream.stream);
    this.entry = stream.stream;
    this.play.hidden = !/\.(m3u8|mpd)(\?|$)/.test(stream.stream);
    setAttribute(this.play, "aria-label", `play ${stream.stream}`);
    setText(this.pairs, stream.pairs.join(", "));
    setText(this.sessions, count(stream.sessions));
    const edges = stream.edges.map((e) => `${colourOf(e)} ${e}`).join();
    if (edges === this.edges) return;
    this.edges = edges;
    this.places.replaceChildren(...stream.edges.map((e) => h("span", { class: "place" }, h("span", { class: `swatch ${colourOf(e)}` }), e)));
  }
}

export class Streams {
  private readonly rows: Keyed<StreamStatus>;
  private readonly empty = h("p", { class: "nothing" }, "No stream is placed: nobody has asked for one yet.");
  private readonly more = h("p", { class: "nothing" });
  private readonly table = new Table("Streams", ["Stream", "Stored at", "Pairs", "Sessions"]);

  constructor(parent: Element, open: (entry: string) => void) {
    parent.append(this.empty, this.table.root, this.more);
    this.empty.hidden = this.table.root.hidden = true; // until it is known
    this.rows = new Keyed(this.table.body, (s) => s.stream, () => new StreamRow(open));
  }

  update(streams: readonly StreamStatus[]): void {
    this.empty.hidden = streams.length > 0;
    this.table.root.hidden = streams.length === 0;
    const sorted = [...streams].sort((a, b) => b.sessions - a.sessions || a.stream.localeCompare(b.stream));
    this.rows.show(sorted.slice(0, most));
    this.more.hidden = streams.length <= most;
    setText(this.more, `and ${plural(streams.length - most, "stream")} with fewer sessions`);
  }
}
