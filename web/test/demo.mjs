// The demo as somebody sees it who opens the one address that it prints: the player
// plays, the edge that serves it is killed by the button, the picture goes on, the
// receipt is there; at the width of a desk and of a telephone. Real processes.
//
//	node test/demo.mjs [folder for pictures]
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Cluster } from "../players/cluster.mjs";
import { openBrowser } from "./browser.mjs";

const binary = process.env.TANDEM_BIN || fileURLToPath(new URL("../../bin/tandem", import.meta.url));
const pictures = process.argv[2];
const patience = 30_000;

async function picture(page, name) {
  if (!pictures) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
}

// What the player tells of itself.
const facts = (page) => page.evaluate(() => {
  const video = document.querySelector("#player video");
  const told = Object.fromEntries([...document.querySelectorAll("#player .facts div")].map((d) => [d.querySelector("dt").textContent, d.querySelector("dd").textContent]));
  return { told, at: video.currentTime, ready: video.readyState, problem: document.querySelector("#player .problem").textContent };
});

// Waits until the picture has gone on by so many seconds from a place.
const playsOn = (page, from, by) => page.waitForFunction(([from, by]) => document.querySelector("#player video").currentTime > from + by, [from, by], { timeout: patience });

const press = (page, what) => page.getByRole("button", { name: what, exact: true }).click({ timeout: patience });
const state = (page, node, word) => page.locator("#demo li", { hasText: node }).locator(".pill", { hasText: word }).waitFor({ timeout: patience });

// An edge is hurt under a viewer, and comes back.
async function hurt(page, { entry, act, word, name, receipt }) {
  if (entry) await page.locator("#player select").selectOption({ label: entry });
  else await press(page, "Play");
  await playsOn(page, 0, 0.5);
  // As every player has that has played for a while: some seconds are left to play.
  await page.waitForFunction(() => document.querySelector("#player .facts b").textContent !== "" && parseFloat(document.querySelector("#player .facts div:nth-child(4) b").textContent) >= 3.5, undefined, { timeout: patience });
  const { told, at } = await facts(page);
  const edge = told["served by"];
  assert.match(edge, /^edge-\d$/);
  await picture(page, `${name}-plays`);
  await press(page, `${act} ${edge}`);
  await state(page, edge, word);
  // Another edge serves it, and nobody who watches notices.
  await page.waitForFunction((edge) => ![edge, ""].includes(document.querySelector("#player .facts b").textContent), edge, { timeout: patience });
  await playsOn(page, at, 4);
  if (receipt) {
    await page.locator("#receipts").scrollIntoViewIfNeeded();
    await page.locator("#receipts article", { hasText: edge }).first().waitFor({ timeout: patience });
  }
  const after = await facts(page);
  // A machine that is busy with other things may hold the picture for a moment; a stall is longer.
  assert.ok(after.told.gaps === "none" || /longest 0\.[1-9] s$/.test(after.told.gaps), `${name}: ${JSON.stringify(after)}`);
  assert.equal(after.problem, "");
  await page.evaluate(() => scrollTo(0, 0));
  await picture(page, `${name}-${word}`);
  await press(page, `bring back ${edge}`);
  await state(page, edge, "up");
}

async function at(browser, dashboard, width, steps) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: "dark", reducedMotion: "reduce" });
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (e) => complaints.push(String(e)));
  await page.goto(dashboard);
  await page.waitForSelector("body.ready");
  await page.locator("#demo li").first().waitFor({ timeout: patience });
  await steps(page);
  const [inner, wide] = await page.evaluate(() => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
  assert.equal(wide, inner, `the page is ${wide} px wide in a window of ${inner}`);
  assert.deepEqual(complaints, []);
  await context.close();
}

const dir = await mkdtemp(path.join(tmpdir(), "tandem-demo-page-"));
const began = Date.now();
const cluster = await Cluster.start(binary, dir, ["--edges", "4", "--fault-proxies"]);
let browser;
try {
  browser = await openBrowser();
  const { dashboard, viewers } = cluster.file;
  const front = await fetch(viewers[0] + "/");
  assert.equal(front.status, 200);
  assert.ok((await front.text()).includes(dashboard), "the viewers' address names the page");
  await at(browser, dashboard, 1440, async (page) => {
    await hurt(page, { act: "kill", word: "dead", name: "1440-stored", receipt: true });
  });
  await at(browser, dashboard, 390, async (page) => {
    await hurt(page, { entry: "live, HLS", act: "halt", word: "halted", name: "390-live", receipt: true });
    await hurt(page, { entry: "stored, DASH", act: "cut off", word: "cut", name: "390-cut", receipt: false });
  });
  console.log(`demo: ok, ${((Date.now() - began) / 1000).toFixed(0)} s`);
} finally {
  await browser?.close();
  await cluster.close();
  await rm(dir, { recursive: true, force: true });
}
