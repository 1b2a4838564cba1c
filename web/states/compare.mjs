// One state of a cluster, seen in the three places where operators look: the API, `tandem
// status` in 80 columns, and the page on a desk and on a telephone. They have to say the
// same, and nothing may stick out.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const widths = [1440, 390];
const plain = (text) => text.replace(/\s+/g, " ").trim();

// What the page shows, as text.
function shown(page) {
  return page.evaluate(() => {
    const text = (selector) => document.querySelector(selector)?.innerText ?? "";
    const rows = (selector, name, value) => Object.fromEntries([...document.querySelectorAll(selector)].map((r) => [r.querySelector(name)?.innerText, r.querySelector(value)?.innerText ?? ""]));
    return {
      text: text("#sentence"), more: text("#more"), next: document.querySelector("#next").hidden ? "" : text("#next"),
      states: rows("#edges tbody tr", "strong", ".pill"), edges: rows("#edges tbody tr", "strong", ".note"),
      balancers: rows(".balancers li", "strong", ".note"), roles: rows(".balancers li", "strong", "small"), pairs: text("#pairs"),
      tone: document.documentElement.dataset.tone, wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    };
  });
}

function role(b) {
  return !b.alive ? "gone" : b.leader ? "leader" : b.voter ? "follower" : "learner";
}

// What is not the same, or sticks out, in words; none: all is well.
function differences(status, cli, pages) {
  const found = [];
  const same = (what, where, got, want) => { if (plain(got ?? "") !== plain(want ?? "")) found.push(`${what} at ${where}: ${JSON.stringify(got)}, and the API says ${JSON.stringify(want)}`); };
  const { text, more, next, level } = status.verdict;
  const lines = cli.split("\n");
  for (const line of lines) if ([...line].length > 80) found.push(`${[...line].length} columns: ${line}`);
  const told = plain(cli);
  if (!told.startsWith(plain([text, more, next ?? ""].join(" ")))) found.push(`tandem status begins with ${told.slice(0, 300)}, and the API says ${text} | ${more} | ${next}`);
  const tables = lines.slice(lines.indexOf(""));
  const row = (name) => tables.find((l) => l.startsWith(`${name} `)) ?? "";
  for (const e of status.edges) if (!row(e.name).split(/\s+/).includes(e.state)) found.push(`tandem status: ${row(e.name)} is not ${e.state}`);
  for (const b of status.balancers) if (!row(b.name).split(/\s+/).includes(role(b))) found.push(`tandem status: ${row(b.name)} is no ${role(b)}`);
  for (const x of [...status.edges, ...status.balancers]) if (x.note && !told.includes(plain(`${x.name}: ${x.note}`))) found.push(`tandem status has no note ${x.name}: ${x.note}`);
  for (const [width, p] of pages) {
    same("the head", width, p.text, text);
    same("what follows", width, p.more, more);
    same("the next step", width, p.next, next);
    same("the tone", width, p.tone, level);
    if (p.wide > 0) found.push(`${width} px: the page is ${p.wide} px wider`);
    for (const e of status.edges) {
      same(`the state of ${e.name}`, width, p.states[e.name], e.state);
      same(`the note of ${e.name}`, width, p.edges[e.name], e.note);
    }
    for (const b of status.balancers) {
      same(`the role of ${b.name}`, width, p.roles[b.name], role(b));
      same(`the note of ${b.name}`, width, p.balancers[b.name], b.note);
    }
    for (const q of status.pairs) if (q.note && !plain(p.pairs).includes(q.note)) found.push(`${width}: pair ${q.id} has no note ${q.note}`);
  }
  return found;
}

export class Comparison {
  constructor(browser, binary, dir) {
    Object.assign(this, { browser, binary, dir, failed: [], seen: 0 });
  }

  // Waits until a balancer says all of these words, and compares. What differs because
  // the cluster has moved on between two looks is looked at again.
  async look(name, admin, words, { level, not = [], limit = 25_000 } = {}) {
    this.seen++;
    const said = await this.#await(admin, words, level, not, limit);
    const pages = [];
    for (const width of widths) {
      const context = await this.browser.newContext({ viewport: { width, height: 900 }, colorScheme: width < 800 ? "light" : "dark", reducedMotion: "reduce" });
      const page = await context.newPage();
      pages.push({ width, context, page });
      await page.goto(`${admin}/`);
      await page.waitForSelector("body.ready", { timeout: 60_000 });
    }
    let found = said ? [`not said within ${limit / 1000} s: ${said}`] : [];
    let cli = "";
    for (let tries = 0; tries < 12 && !said; tries++) {
      const before = await this.#status(admin);
      cli = (await run(this.binary, ["status", "--admin", admin])).stdout;
      const looks = await Promise.all(pages.map(async ({ width, page }) => [width, await shown(page)]));
      found = differences(before, cli, looks);
      const after = await this.#status(admin);
      const still = (s) => JSON.stringify([s.verdict, s.edges.map((e) => [e.state, e.note]), s.balancers.map((b) => [role(b), b.note])]);
      if (!found.length || still(before) === still(after) && tries > 6) break;
      await sleep(300);
    }
    for (const { width, context, page } of pages) {
      await page.screenshot({ path: path.join(this.dir, `${name}-${width}.png`), fullPage: true }).catch((err) => found.push(err.message));
      await context.close();
    }
    await writeFile(path.join(this.dir, `${name}.txt`), cli);
    console.log(`${found.length ? "FAIL" : "ok  "}  ${name}`);
    for (const f of found) console.log(`      ${f}`);
    if (found.length) this.failed.push(name);
  }

  async #status(admin) {
    const answer = await fetch(`${admin}/api/v1/status`, { signal: AbortSignal.timeout(3000) });
    return answer.json();
  }

  // "" when it was said, else what was said last.
  async #await(admin, words, level, not, limit) {
    let last = "";
    for (const end = Date.now() + limit; Date.now() < end; await sleep(100)) {
      try {
        const { verdict: v } = await this.#status(admin);
        last = `${v.level}: ${v.text} | ${v.more} | ${v.next ?? ""}`;
        const missing = words.filter((w) => (w instanceof RegExp ? !w.test(last) : !last.includes(w))).concat(not.filter((w) => last.includes(w)));
        if (!missing.length && (!level || level === v.level)) return "";
        last = `${missing.join(", ") || level}; it says ${last}`;
      } catch (err) {
        last = err.message;
      }
    }
    return last;
  }
}
