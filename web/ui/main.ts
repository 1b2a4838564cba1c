// The page: makes its parts and hands each of them what it shows.
import { Actions } from "./actions";
import { getHistory, getReceipts, getSessions, getStreams, Problem } from "./api";
import { Balancers } from "./balancers";
import { DemoBox } from "./demo";
import { byId } from "./dom";
import { Edges } from "./edges";
import { Events } from "./events";
import { Feed } from "./feed";
import { Header } from "./header";
import { entered } from "./login";
import { Pairs } from "./pairs";
import { assignColours } from "./palette";
import { Player } from "./player";
import { Problems } from "./problems";
import { PurgeBox } from "./purge";
import { Receipts } from "./receipts";
import { Ring } from "./ring";
import { asked, Sessions } from "./sessions";
import { Streams } from "./streams";
import type { Status } from "./wire";
import { Zones } from "./zones";

await entered();

const problems = new Problems();
let latest: Status | undefined;

function pairNames(): Map<number, string> {
  return new Map((latest?.pairs ?? []).map((p) => [p.id, ` (${p.low}, ${p.high}; ${p.slots} slots)`]));
}

const actions = new Actions(() => lists.forEach((l) => l.soon()), pairNames);
const header = new Header();
const ring = new Ring(byId("ring"));
const edges = new Edges(byId("edges"), actions);
const pairs = new Pairs(byId("pairs"));
const zones = new Zones(byId("pairs"));
const receipts = new Receipts(byId("receipts"));
const events = new Events(byId("events"));
const player = new Player(byId("player"));
const streams = new Streams(byId("streams"), (entry) => {
  byId("player").scrollIntoView({ block: "center" });
  void player.play(entry);
});
const sessions = new Sessions(byId("sessions"), actions);
const balancers = new Balancers(byId("balancers"), actions);
new PurgeBox(byId("purge"));
const demo = new DemoBox(byId("panel-demo"), byId("demo"), (told) => player.offer(told.streams));

// List asks for something again and again while its part of the page can be seen.
class List {
  private visible = false;
  private asking = false;
  private due = 0;

  constructor(element: Element, private readonly what: string, private readonly every: number, private readonly ask: () => Promise<void>) {
    new IntersectionObserver((entries) => {
      this.visible = entries.some((e) => e.isIntersecting);
      void this.tick();
    }, { rootMargin: "300px" }).observe(element);
    setInterval(() => void this.tick(), 250);
  }

  // Asks at the next opportunity.
  soon(): void {
    this.due = 0;
  }

  private async tick(): Promise<void> {
    if (!this.visible || document.hidden || this.asking || Date.now() < this.due) return;
    this.asking = true;
    this.due = Date.now() + this.every;
    try {
      await this.ask();
      problems.set(this.what, undefined);
    } catch (error) {
      problems.set(this.what, error as Error);
    } finally {
      this.asking = false;
    }
  }
}

const listOfReceipts = new List(byId("receipts"), "receipts", 3000, async () => receipts.update(await getReceipts()));
const history = new List(byId("events"), "history", 15_000, async () => events.add(await getHistory(200)));
const lists = [
  listOfReceipts,
  history,
  new List(byId("streams"), "streams", 4000, async () => streams.update(await getStreams())),
  new List(byId("sessions"), "sessions", 2500, async () => sessions.update(await getSessions(asked))),
];

new Feed({
  status(status) {
    if (latest?.version !== status.version) lists.forEach((l) => l.soon());
    latest = status;
    assignColours(status.edges.map((e) => e.name));
    header.update(status);
    ring.update(status);
    edges.update(status);
    pairs.update(status);
    zones.update(status);
    receipts.status(status);
    balancers.update(status);
    player.status(status);
    demo.status(status);
    document.body.classList.add("ready");
  },
  event(event) {
    events.add([event]);
    if (event.kind === "edge_down" || event.kind === "edge_ready" || event.kind === "takeover") listOfReceipts.soon();
  },
  opened() {
    lists.forEach((l) => l.soon());
  },
  connection(connection) {
    header.connected(connection);
  },
  problem(what, error) {
    problems.set(what, error);
    if (error instanceof Problem && error.status === 401) entered(true).catch(() => undefined); // asked for again with the next answer
  },
}).start();
