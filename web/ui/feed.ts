// The stream of statuses and events, for as long as the page is open.
//
// When it breaks, or is silent for too long (a balancer that was stopped keeps
// its connections), the status is asked for instead and the stream is opened
// anew. What is shown is then fresh, or said to be stale.
import { asHappening, asStatus, eventsAddress, getStatus } from "./api";
import type { Happening, Status } from "./wire";

export interface Connection {
  state: "connecting" | "live" | "polling" | "lost";
  fresh: number; // when the last status came, 0: never
}

export interface Listener {
  status(status: Status): void;
  event(event: Happening): void;
  opened(): void; // anew: something may have been missed
  connection(connection: Connection): void;
  problem(what: string, error: Error | undefined): void;
}

const silence = 4000; // milliseconds after which the status is asked for
const firstPause = 500;
const longestPause = 8000;

export class Feed {
  private source: EventSource | undefined;
  private pause = firstPause;
  private heard = 0; // when anything came by the stream
  private connection: Connection = { state: "connecting", fresh: 0 };
  private asking = false;

  constructor(private readonly listener: Listener) {}

  start(): void {
    this.open();
    setInterval(() => void this.watch(), 1000);
  }

  private open(): void {
    this.source?.close();
    const source = (this.source = new EventSource(eventsAddress));
    this.heard = Date.now();
    source.onopen = () => {
      this.pause = firstPause;
      this.heard = Date.now();
      this.listener.opened();
      void this.ask();
    };
    source.addEventListener("status", (message) => this.take("status", message, (value) => this.status(asStatus(value), "live")));
    source.addEventListener("event", (message) => this.take("event", message, (value) => this.listener.event(asHappening(value))));
    source.onerror = () => {
      // Some failures end an EventSource for good; one way for all of them.
      source.close();
      if (this.source !== source) return;
      this.source = undefined;
      void this.ask();
      setTimeout(() => { if (!this.source) this.open(); }, this.pause);
      this.pause = Math.min(longestPause, this.pause * 2);
    };
  }

  private take(what: string, message: MessageEvent<string>, use: (value: unknown) => void): void {
    this.heard = Date.now();
    try {
      use(JSON.parse(message.data));
      this.listener.problem(`stream of ${what}`, undefined);
    } catch (error) {
      this.listener.problem(`stream of ${what}`, error instanceof SyntaxError ? new Error(`/${eventsAddress} sent a ${what} that is not JSON`) : (error as Error));
    }
  }

  private status(status: Status, state: Connection["state"]): void {
    this.listener.status(status);
    this.listener.problem("status", undefined);
    this.connect({ state, fresh: Date.now() });
  }

  private connect(connection: Connection): void {
    this.connection = connection;
    this.listener.connection(connection);
  }

  private async watch(): Promise<void> {
    const quiet = Date.now() - this.heard;
    if (this.source && quiet < silence) return;
    await this.ask();
    if (this.source && quiet > 3 * silence) this.open();
  }

  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      // A stream that is open and says nothing may have nothing to say.
      const status = await getStatus();
      this.status(status, this.source?.readyState === EventSource.OPEN ? "live" : "polling");
    } catch (error) {
      this.connect({ state: "lost", fresh: this.connection.fresh });
      this.listener.problem("status", error as Error);
    } finally {
      this.asking = false;
    }
  }
}
