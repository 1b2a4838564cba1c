// The head of the page: the cluster in one sentence, who answers, and whether
// what is shown is fresh.
import { byId, h, setAttribute, setText } from "./dom";
import { sign } from "./edgestate";
import type { Connection } from "./feed";
import { bytes, clock, count, percent } from "./format";
import { Sum } from "./sums";
import type { Status } from "./wire";

class Fact {
  readonly root: HTMLElement;
  private readonly value = h("dd");

  constructor(term: string, about = "") {
    this.root = h("div", { title: about }, h("dt", {}, term), this.value);
  }

  show(text: string, tone = ""): void {
    setText(this.value, text);
    setAttribute(this.value, "class", tone || null);
  }
}

// Names like edge-3 are not broken at the end of a line; what is long, as an address is, may be.
function setWords(element: HTMLElement, text: string): void {
  if (element.textContent === text) return;
  element.replaceChildren(...text.split(/(\S+)/).map((w) => (w.length <= 24 && w.includes("-") ? h("span", { class: "word" }, w) : w)));
}

export class Header {
  private readonly sentence = byId("sentence");
  private readonly more = byId("more");
  private readonly next = byId("next");
  private readonly mark = byId("mark");
  private readonly spoken = byId("spoken");
  private readonly connection = byId("connection");
  private readonly leader = new Fact("leader");
  private readonly node = new Fact("this balancer");
  private readonly admission = new Fact("admission");
  private readonly policy = new Fact("state by", "how edges' state reaches the balancers");
  private readonly version = new Fact("version", "of the placement");
  private readonly sessions = new Fact("sessions");
  private readonly streams = new Fact("streams");
  private readonly hits = new Fact("hit ratio", "of all edges, since their start");
  private readonly origin = new Fact("origin asked", "requests of all edges, since their start");
  private readonly sent = new Fact("sent", "to viewers, by all edges, since their start");
  private readonly refused = new Fact("refused", "viewers, by all balancers");
  private readonly takeovers = new Fact("takeovers", "responses that broke at an edge and were finished from its partner, by all balancers");
  private readonly sums = { hits: new Sum((e) => e.hits), misses: new Sum((e) => e.misses), origin: new Sum((e) => e.origin_asked), sent: new Sum((e) => e.sent_bytes) };
  private marked = "";
  private states = "";

  constructor() {
    byId("facts").append(...[this.leader, this.node, this.admission, this.policy, this.version].map((f) => f.root));
    byId("figures").append(...[this.sessions, this.streams, this.hits, this.origin, this.sent, this.takeovers, this.refused].map((f) => f.root));
  }

  update(status: Status): void {
    const said = status.verdict; // the balancer's words: the same as `tandem status` shows
    setWords(this.sentence, said.text);
    setWords(this.more, said.more);
    setWords(this.next, said.next ?? "");
    this.next.hidden = !said.next;
    setAttribute(document.documentElement, "data-tone", said.level);
    if (this.marked !== said.level) {
      this.marked = said.level;
      this.mark.replaceChildren(sign(said.level === "good" ? "up" : said.level === "bad" ? "down" : "warn"));
    }
    // Spoken when a state changes, not at each change of a number.
    const states = JSON.stringify(status.edges.map((e) => [e.name, e.state]));
    if (states !== this.states) {
      this.states = states;
      setText(this.spoken, `${said.text}. ${said.more} ${said.next ?? ""}`);
    }
    this.leader.show(status.leader || "nobody", status.leader ? "" : "bad");
    this.node.show(status.node);
    this.admission.show(status.admission);
    this.policy.show(status.policy || "–");
    this.version.show(count(status.version));
    this.totals(status);
  }

  private totals(status: Status): void {
    const hits = this.sums.hits.add(status.edges);
    this.sessions.show(count(status.sessions));
    this.streams.show(count(status.streams));
    this.hits.show(percent(hits, hits + this.sums.misses.add(status.edges)));
    this.origin.show(count(this.sums.origin.add(status.edges)));
    this.sent.show(bytes(this.sums.sent.add(status.edges)));
    this.refused.show(count(status.refused), status.refused > 0 ? "warn" : "");
    this.takeovers.show(count(status.takeovers));
  }

  connected(connection: Connection): void {
    const since = connection.fresh > 0 ? `stale since ${clock(connection.fresh)}` : "nothing received yet";
    const texts = { connecting: "connecting …", live: "live", polling: "asking every few seconds", lost: `${since}, trying again` };
    setText(this.connection, texts[connection.state]);
    setAttribute(this.connection, "class", `connection ${connection.state}`);
    setAttribute(document.documentElement, "data-stale", connection.state === "lost" ? "yes" : null);
  }
}
