// What the checks with real players share: arguments, a place for evidence, what has to
// be ended, pages and browsers to play in, and the exit.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openBrowser } from "../test/browser.mjs";
import { Cluster } from "./cluster.mjs";
import { servePages } from "./pages.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const perBrowser = 2; // pages in one browser process

export class Check {
  #began = Date.now();
  #closers = []; // what has to be ended, the last one first
  #good = 0;
  #bad = 0;

  // options are those of this check beside --binary, --evidence, --seats and --only.
  constructor(name, options = {}) {
    this.name = name;
    this.asked = parseArgs({ options: {
      binary: { type: "string", default: process.env.TANDEM_BIN || path.join(here, "../../bin/tandem") },
      evidence: { type: "string", default: "" },
      seats: { type: "string", default: "5" }, // players at once
      only: { type: "string", default: "" }, // what has this in its name
      ...options,
    } }).values;
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => this.#end().finally(() => process.exit(1)));
  }

  say(text) { console.log(text); }

  closing(f) { this.#closers.push(f); }

  async #end() {
    while (this.#closers.length) await this.#closers.pop()().catch((err) => this.say(`ending: ${err.message}`));
  }

  // A demo with these flags, or the cluster of a cluster.json.
  async cluster(flags, file) {
    const cluster = file ? await Cluster.attach(file) : await Cluster.start(this.asked.binary, path.join(this.evidence, "cluster"), flags);
    this.closing(() => cluster.close());
    return cluster;
  }

  // The pages' address, and browsers for so many players.
  async stage(seats = Number(this.asked.seats)) {
    const pages = await servePages();
    this.closing(async () => pages.close());
    const browsers = [];
    for (let i = 0; i < Math.ceil(seats / perBrowser); i++) {
      const browser = await openBrowser();
      this.closing(() => browser.close());
      browsers.push(browser);
    }
    this.say(`${this.name}: Chromium ${browsers[0].version()}, ready after ${((Date.now() - this.#began) / 1000).toFixed(1)} s`);
    return { pages: pages.url, browsers };
  }

  // Says lines of a verdict, and counts them.
  tell(lines) {
    for (const { ok, text } of lines) {
      this.say(text);
      if (ok) this.#good++;
      else this.#bad++;
    }
  }

  async keep(name, what) {
    const file = path.join(this.evidence, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, typeof what === "string" ? what : JSON.stringify(what, null, 1));
  }

  // Runs the check and ends the process: 1 when a line is bad, or none was said.
  async run(main) {
    try {
      const { evidence } = this.asked;
      this.evidence = evidence ? path.resolve(evidence) : await mkdtemp(path.join(os.tmpdir(), `tandem-${this.name}-`));
      await mkdir(this.evidence, { recursive: true });
      await main();
    } catch (err) {
      this.tell([{ ok: false, text: `BAD ${this.name}: ${err.stack}` }]);
    }
    this.say(`${this.name}: ${this.#good} ok, ${this.#bad} bad, ${((Date.now() - this.#began) / 1000).toFixed(0)} s; evidence: ${this.evidence}`);
    await this.#end();
    const code = this.#bad || !this.#good ? 1 : 0;
    // Stores and logs are worth keeping only when something went wrong.
    if (code === 0) await rm(path.join(this.evidence, "cluster"), { recursive: true, force: true });
    process.exit(code);
  }
}

// What is kept of a player.
export function keptOf({ name, session, hits, failed, segments, media, last, says }) {
  return { name, session, hits, failed, segments, media, last, says };
}

export function fileOf(name) { return `${name.replace(/[^A-Za-z0-9.=]+/g, "-")}.json`; }
