// One viewer: a player in a page of its own context, so on connections of its
// own, and what the page and its requests told.
const token = /\/s\/([A-Za-z0-9_-]{40,})\//;
const served = /(?:^|,)\s*edge;desc="([^"]+)"/; // in Server-Timing, by the balancers
const media = /\.(m4s|mp4|ts|aac)([?/]|$)|\/Fragments\(/; // a signature may follow

// The session in a token (internal/wire/token.go): version, key, then pair, slot and generation.
function sessionOf(text) {
  const raw = Buffer.from(text, "base64url");
  return `${raw.readUInt32BE(2)}-${raw.readUIntBE(6, 3)}-${raw.readUInt32BE(9)}`;
}

export class Seat {
  session = ""; // "pair-slot-generation", the last one that the player used
  segments = []; // {asked, at, edge}: media objects that arrived whole
  media = []; // {at, url}: the same, by the address that they were asked at
  failed = []; // requests that failed, and answers of 400 and above
  says = []; // the page's console
  hits = []; // what happened to the edge that served it: {kind, edge, at, until, segments}
  last = null; // the last report of the page

  constructor(play, buffer) {
    this.play = play;
    this.buffer = buffer;
    this.name = `${play.name} buffer=${play.ownBuffer ? "own" : `${buffer}s`}`;
  }

  // Opens the page; the player starts by itself.
  async open(browser, pages, url) {
    this.context = await browser.newContext({ viewport: { width: 340, height: 200 } });
    this.page = await this.context.newPage();
    this.#listen(this.page);
    const asked = new URLSearchParams({ player: this.play.player, url, buffer: this.buffer, live: this.play.live ? "1" : "0", low: this.play.low ? "1" : "0" });
    await this.page.goto(`${pages}/stage/stage.html?${asked}`);
  }

  #listen(page) {
    page.on("console", (m) => this.says.push(`${new Date().toISOString()} ${m.type()}: ${m.text()}`));
    page.on("pageerror", (e) => this.says.push(`${new Date().toISOString()} error: ${e}`));
    page.on("request", (r) => {
      const found = token.exec(r.url());
      if (found) this.session = sessionOf(found[1]);
    });
    page.on("response", (r) => {
      if (r.status() >= 400) this.failed.push({ at: Date.now(), what: `${r.status()} ${r.url()}` });
    });
    page.on("requestfinished", async (r) => {
      if (!media.test(r.url())) return;
      const { startTime } = r.timing();
      const arrived = { asked: Math.round(startTime), at: Date.now(), edge: "", path: new URL(r.url()).pathname.replace(token, "/") };
      this.segments.push(arrived);
      this.media.push({ at: arrived.at, url: r.url() });
      const answer = await r.response().catch(() => null);
      arrived.edge = served.exec(answer?.headers()["server-timing"] ?? "")?.[1] ?? "";
    });
    page.on("requestfailed", (r) => {
      const why = r.failure()?.errorText ?? "";
      // The player itself ends requests that it no longer wants.
      if (why !== "net::ERR_ABORTED") this.failed.push({ at: Date.now(), what: `${why} ${r.url()}` });
    });
  }

  async look() {
    this.last = await this.page.evaluate(() => window.stage?.report() ?? null);
    return this.last;
  }

  seek(seconds) { return this.page.evaluate((s) => window.stage.seek(s), seconds); }

  // The longest stall of a span of wall clock time, with content at hand or for want of it.
  longest(had, from = 0, to = Infinity) {
    return Math.max(0, ...this.last.stalls.filter((s) => s.had === had && s.at + s.ms >= from && s.at < to).map((s) => s.ms));
  }

  during(list, from, to) { return list.filter((x) => x.at >= from && x.at < to); }

  async close() { await this.context?.close().catch(() => {}); }
}
