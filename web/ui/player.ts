// A player in the page: any stream of the cluster, as a viewer gets it. It tells which
// edge serves each segment, how much is left to play, and every gap it had.
//
// hls.js and dash.js are loaded when they are first needed.
import { h, setAttribute, setStyle, setText } from "./dom";
import { colourOf } from "./palette";
import type { DemoStream, Status } from "./wire";

const least = 50; // milliseconds of a gap that counts: a shorter one is a frame that came late, and 0.0 s
const ahead = 8; // seconds of buffer that are kept: few, so that a gap would show
const most = 12; // seconds of buffer that the bar shows
const shown = 24; // segments

// What a playing library is asked for.
interface Playing {
  stop(): void;
}

interface Gap {
  at: number;
  lasted: number;
}

export class Player {
  private readonly video = h("video", { controls: true, muted: true, playsinline: true, "aria-label": "the stream" });
  private readonly choice = h("select", { "aria-label": "stream", onchange: () => void this.play(this.choice.value) });
  private readonly at = h("input", { type: "text", "aria-label": "viewers' address, or that of a playlist or MPD", spellcheck: "false" });
  private readonly edge = h("b");
  private readonly swatch = h("span", { class: "swatch" });
  private readonly strip = h("ol", { class: "served", "aria-label": "edges that served the last segments" });
  private readonly buffer = h("span", { class: "fill" });
  private readonly bufferText = h("b", {}, "–");
  private readonly gaps = h("b", {}, "–");
  private readonly moved = h("b", {}, "–");
  private readonly note = h("p", { class: "problem", role: "alert" });
  private readonly start = h("button", { type: "button", class: "primary", onclick: () => void this.play(this.typed() || this.choice.value) }, "Play");
  private playing: Playing | undefined;
  private serial = 0;
  private last = "";
  private moves = 0;
  private list: Gap[] = [];
  private waiting = 0; // since when nothing plays, 0: it does
  private began = false;

  constructor(parent: Element) {
    this.at.addEventListener("change", () => { this.at.dataset.kept = "yes"; });
    parent.append(
      h("div", { class: "screen" }, this.video),
      h("div", { class: "watch" },
        h("div", { class: "row" }, this.choice, this.start),
        h("label", { class: "at" }, h("span", {}, "at"), this.at),
        h("dl", { class: "facts" },
          h("div", {}, h("dt", {}, "served by"), h("dd", {}, this.swatch, this.edge)),
          h("div", {}, h("dt", {}, "changed edges"), h("dd", {}, this.moved)),
          h("div", {}, h("dt", {}, "gaps"), h("dd", {}, this.gaps)),
          h("div", {}, h("dt", {}, "left to play"), h("dd", {}, this.bufferText))),
        h("div", { class: "meter", "aria-hidden": "true" }, this.buffer),
        this.strip, this.note));
    for (const [event, does] of [
      ["playing", () => this.resumed()], ["waiting", () => this.stalled()],
      ["seeking", () => { this.waiting = 0; }], ["pause", () => { this.waiting = 0; }],
    ] as const) this.video.addEventListener(event, does);
    new PerformanceObserver((entries) => {
      for (const e of entries.getEntries()) this.loaded(e as PerformanceResourceTiming);
    }).observe({ type: "resource" });
    setInterval(() => this.tick(), 250);
  }

  // The streams that are known, each with an address of its own.
  offer(streams: readonly DemoStream[]): void {
    for (const s of streams) {
      for (const [kind, entry] of [["HLS", s.hls], ["DASH", s.dash]] as const) {
        if (entry) this.option(entry, `${s.live ? "live" : "stored"}, ${kind}`);
      }
    }
  }

  private option(entry: string, label: string): void {
    if ([...this.choice.options].some((o) => o.value === entry)) return;
    this.choice.append(h("option", { value: entry }, label));
  }

  status(status: Status): void {
    if (this.at.dataset.kept || this.at === document.activeElement) return;
    const own = status.balancers.find((b) => b.name === status.node);
    if (own?.http && this.at.value !== own.http) this.at.value = own.http;
  }

  // The entry of an address that somebody has typed in whole; its base stays.
  private typed(): string {
    const whole = /^(https?:\/\/[^/]+)(\/.+\.(m3u8|mpd)(\?.*)?)$/.exec(this.at.value.trim());
    if (!whole) return "";
    this.at.value = whole[1] ?? "";
    return whole[2] ?? "";
  }

  // Plays an entry, which may be one that nobody has offered.
  async play(entry: string): Promise<void> {
    if (!entry) {
      setText(this.note, "Put the address of a playlist or an MPD in, such as http://127.0.0.1:8080/sample/master.m3u8.");
      return;
    }
    this.option(entry, entry);
    this.choice.value = entry;
    this.reset();
    const serial = this.serial;
    const url = this.at.value.replace(/\/+$/, "") + entry;
    try {
      const playing = /\.mpd(\?|$)/.test(entry) ? await this.dash(url) : await this.hls(url);
      if (serial !== this.serial) playing.stop();
      else this.playing = playing;
      await this.video.play().catch(() => undefined); // a browser that wants a click gets it on the controls
    } catch (error) {
      if (serial === this.serial) setText(this.note, (error as Error).message);
    }
  }

  private reset(): void {
    this.serial++;
    this.playing?.stop();
    this.playing = undefined;
    this.last = "";
    this.moves = this.waiting = 0;
    this.list = [];
    this.began = false;
    this.strip.replaceChildren();
    setText(this.note, "");
    setText(this.edge, "");
    setAttribute(this.swatch, "class", "swatch");
  }

  private async hls(url: string): Promise<Playing> {
    const { default: Hls } = await import("hls.js");
    if (!Hls.isSupported()) {
      this.video.src = url; // Safari on a telephone plays it by itself
      return { stop: () => this.video.removeAttribute("src") };
    }
    const hls = new Hls({ enableWorker: false, maxBufferLength: ahead, maxBufferSize: 0 });
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (data.fatal) setText(this.note, `hls.js: ${data.details}${data.response ? ` (${data.response.code})` : ""}`);
    });
    hls.loadSource(url);
    hls.attachMedia(this.video);
    return { stop: () => hls.destroy() };
  }

  private async dash(url: string): Promise<Playing> {
    const dashjs = await import("dashjs");
    const player = dashjs.MediaPlayer().create();
    player.updateSettings({
      debug: { logLevel: 0 },
      streaming: { buffer: { bufferTimeDefault: ahead, bufferTimeAtTopQuality: ahead, bufferTimeAtTopQualityLongForm: ahead, initialBufferLevel: 0 } },
    });
    player.on(dashjs.MediaPlayer.events.ERROR, (e: { error?: { message?: string } | string }) => {
      const error = e.error;
      setText(this.note, `dash.js: ${typeof error === "string" ? error : (error?.message ?? "failed")}`);
    });
    player.initialize(this.video, url, true);
    return { stop: () => player.reset() };
  }

  // A segment has come; who served it stands in its Server-Timing.
  private loaded(entry: PerformanceResourceTiming): void {
    if (!this.playing || !entry.name.startsWith(this.at.value.replace(/\/+$/, ""))) return;
    const by = entry.serverTiming.find((t) => t.name === "edge")?.description;
    if (!by || !/\.(m4s|mp4|ts|aac|m4a|m4v)(\?|$)/.test(entry.name)) return;
    if (this.last && by !== this.last) this.moves++;
    this.last = by;
    setText(this.edge, by);
    setAttribute(this.swatch, "class", `swatch ${colourOf(by)}`);
    this.strip.append(h("li", { class: colourOf(by), title: `${by}: ${entry.name.split("/").pop() ?? ""}` }));
    while (this.strip.children.length > shown) this.strip.firstElementChild?.remove();
  }

  private stalled(): void {
    if (this.began && !this.video.seeking && !this.video.paused) this.waiting ||= performance.now();
  }

  private resumed(): void {
    this.began = true;
    const lasted = this.waiting ? performance.now() - this.waiting : 0;
    if (lasted >= least) this.list.push({ at: this.video.currentTime, lasted });
    this.waiting = 0;
  }

  private tick(): void {
    if (!this.playing) return;
    let left = 0;
    for (let i = 0; i < this.video.buffered.length; i++) {
      if (this.video.buffered.start(i) <= this.video.currentTime + 0.1) left = Math.max(left, this.video.buffered.end(i) - this.video.currentTime);
    }
    setText(this.bufferText, `${left.toFixed(1)} s`);
    setStyle(this.buffer, "width", `${Math.min(100, (100 * left) / most)}%`);
    const longest = Math.max(0, ...this.list.map((g) => g.lasted));
    const lasts = this.waiting ? performance.now() - this.waiting : 0;
    const now = lasts >= least ? `, waiting for ${(lasts / 1000).toFixed(1)} s` : "";
    setText(this.gaps, (this.list.length === 0 ? "none" : `${this.list.length}, longest ${(longest / 1000).toFixed(1)} s`) + now);
    setAttribute(this.gaps, "class", this.list.length > 0 || lasts >= least ? "bad" : "good");
    setText(this.moved, this.moves === 0 ? "never" : this.moves === 1 ? "once" : `${this.moves} times`);
  }
}
