// The page in a browser: an edge dies, its sessions move, it comes back; the
// balancer goes away and returns. Needs dist/ (node build.mjs).
//
//	node test/dashboard.mjs [folder for pictures]
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { openBrowser } from "./browser.mjs";
import { PaperCluster } from "./cluster.mjs";
import { serve } from "./fake.mjs";

const pictures = process.argv[2];

// A page on a cluster of its own; what its console complains about is kept.
async function open(browser, { width, height = 900, scheme = "dark", edges = 4, slots = 50, motion = "reduce" }) {
  const cluster = new PaperCluster({ edges, slots });
  const fake = await serve(cluster);
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: motion });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (m) => { if (m.type() === "error" || m.type() === "warning") complaints.push(m.text()); });
  page.on("pageerror", (e) => complaints.push(String(e)));
  await page.goto(fake.url);
  await page.waitForSelector("body.ready");
  return { cluster, fake, page, complaints, close: async () => { await context.close(); fake.close(); } };
}

async function picture(page, name, fullPage = true) {
  if (!pictures) return;
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage });
}

const text = (page, selector) => page.locator(selector).innerText();
const sees = (page, words, selector = "body") => page.locator(selector, { hasText: words }).first().waitFor({ timeout: 8000 });

async function fits(page, what) {
  const [inner, width] = await page.evaluate(() => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
  assert.equal(width, inner, `${what}: the page is ${width} px wide in a window of ${inner}`);
}

// Loads what is asked for only when it can be seen.
async function lookAtAll(page) {
  for (const id of ["receipts", "events", "sessions", "streams", "purge"]) await page.locator(`#${id}`).scrollIntoViewIfNeeded();
  await page.locator("#streams tbody tr").first().waitFor();
  await page.locator("#sessions tbody tr").first().waitFor();
  await page.evaluate(() => scrollTo(0, 0));
}

async function deathAndReturn(browser, width, scheme) {
  const { cluster, page, complaints, close } = await open(browser, { width, scheme });
  const name = `${width}-${scheme}`;
  assert.equal(await page.locator("svg.ring .node").count(), 4);
  assert.equal(await page.locator("svg.ring .lane").count(), 4);
  assert.deepEqual(await page.locator("svg.ring .boundary").allTextContents(), ["25/50", "25/50", "25/50", "25/50"]);
  assert.equal(await page.locator(".pair .boundary b").first().textContent(), "25");
  assert.match(await text(page, "#sentence"), /^4 edges up, 64 sessions/);
  await sees(page, "live", "#connection");
  await lookAtAll(page);
  await sees(page, "No edge has died", "#receipts");
  await fits(page, `${name}, calm`);
  await picture(page, `${name}-calm`);

  cluster.kill("edge-1");
  await sees(page, "edge-1 is down: its 17 viewers are on edge-2 and edge-4", "#sentence");
  assert.equal(await page.locator("svg.ring .node.down").count(), 1);
  assert.deepEqual(await page.locator("svg.ring .boundary").allTextContents(), ["0/50", "25/50", "25/50", "50/50"]);
  assert.deepEqual(await page.locator(".pair .boundary b").allTextContents(), ["0", "25", "25", "50"]);
  assert.equal(await page.locator("#edge-edge-1 .pill.bad").innerText(), "down");
  await page.locator("#receipts").scrollIntoViewIfNeeded();
  await sees(page, "84 ms", "#receipts article.open");
  await sees(page, "25 → 0", "#receipts .moves");
  await sees(page, "edge_down", "#events li.bad");
  await sees(page, "stand-in", "#sessions tbody");
  await page.evaluate(() => scrollTo(0, 0));
  await fits(page, `${name}, one is dead`);
  await picture(page, `${name}-death`);

  cluster.copy("edge-1", 0.4);
  await sees(page, "edge-1 is back and copies", "#sentence");
  assert.equal(await page.locator("#edge-edge-1 progress").getAttribute("value").then(Number), 40);
  await fits(page, `${name}, one copies`);
  await picture(page, `${name}-recovery`);

  cluster.ready("edge-1");
  await sees(page, /^4 edges up, 64 sessions/, "#sentence");
  await page.locator("#receipts").scrollIntoViewIfNeeded();
  await page.locator("#receipts article.closed").waitFor({ timeout: 8000 });
  assert.deepEqual(await page.locator(".pair .boundary b").allTextContents(), ["25", "25", "25", "25"]);
  assert.deepEqual(complaints, []);
  await close();
}

async function ordersAreAskedTwice(browser) {
  const { fake, page, complaints, close } = await open(browser, { width: 1440 });
  await page.getByRole("button", { name: "drain edge-2" }).focus();
  await page.keyboard.press("Enter");
  await sees(page, "16 sessions would change edges", "dialog .preview");
  await sees(page, "25 → 0", "dialog .preview");
  await sees(page, "the next failure is survived: N-1 margin 5 → 2", "dialog .preview");
  await picture(page, "dialog", false);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Cancel");
  assert.ok(!fake.asked.includes("POST edges/edge-2/drain"), "drained before it was confirmed");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await sees(page, "edge-2 is draining", "#sentence");
  assert.ok(fake.asked.includes("POST edges/edge-2/drain"));
  assert.equal(await page.getByRole("button", { name: "resume edge-2" }).count(), 1);
  // What would lose somebody says so in the button that does it, and is forced by it.
  await page.getByRole("button", { name: "remove edge-3" }).click();
  await sees(page, "3 sessions would lose their edge", "dialog .preview");
  await sees(page, "not survived: N-1 margin 5 → -4", "dialog .preview");
  assert.ok(!fake.asked.includes("forced"));
  await page.getByRole("button", { name: "remove although 3 sessions would lose their edge" }).click();
  await page.locator("dialog").waitFor({ state: "hidden" });
  assert.ok(fake.asked.includes("forced"));

  await page.getByLabel("Path to purge").fill("sample");
  await page.getByRole("button", { name: "Purge", exact: true }).click();
  await sees(page, "begins with a slash", "#purge");
  await page.getByLabel("Path to purge").fill("/sample/");
  await page.getByRole("button", { name: "Purge", exact: true }).click();
  await sees(page, "Purge 9: 166 objects removed", "#purge");

  await page.getByLabel("Filter the sessions").fill("edge-3 /sample/");
  await sees(page, "that match, 64 in all", "#sessions");
  await sees(page, /video 5\d\d \(\d+:\d\d\)/, "#sessions tbody"); // the number, and the time
  assert.deepEqual(complaints, []);
  // The cluster refuses: one line, where the order was given.
  await page.getByRole("button", { name: /^end session/ }).first().click();
  await page.getByRole("button", { name: "end session", exact: true }).click();
  await sees(page, "answered 409: the session has ended already", "dialog .problem");
  await close();
}

async function balancerGoesAndComesBack(browser) {
  const { cluster, fake, page, close } = await open(browser, { width: 1440 });
  await sees(page, "live", "#connection");
  fake.broken = true;
  fake.cut();
  await sees(page, "stale since", "#connection");
  await sees(page, "GET /api/v1/status answered 503: no balancer leads at present; ask again", "#problems");
  await picture(page, "stale", false);
  fake.broken = false;
  const sums = () => page.locator("#figures").innerText();
  const before = /sent\s+(.+)/.exec(await sums())[1];
  // The balancer was started anew, and has not heard of edge-1 yet; edge-2 was, and counts from 0.
  Object.assign(cluster.edge("edge-1"), { report_age: -1, hits: 0, misses: 0, origin_asked: 0, sent_bytes: 0 });
  Object.assign(cluster.edge("edge-2"), { hits: 0, misses: 0, origin_asked: 0, sent_bytes: 0 });
  cluster.kill("edge-3");
  await sees(page, "edge-3 is down", "#sentence");
  assert.equal(/sent\s+(.+)/.exec(await sums())[1], before, "a sum ran backwards");
  await sees(page, "live", "#connection");
  await page.locator("#problems").waitFor({ state: "hidden" });
  await close();
}

// Two of three balancers are gone, then an edge falls silent: nobody can commit its
// death, its neighbour stands in by its own word, and the balancer that is left says so
// (lb/api/verdict.go).
async function nobodyLeads(browser, width, scheme) {
  const { cluster, page, complaints, close } = await open(browser, { width, scheme });
  const calm = cluster.status.bind(cluster);
  cluster.leader = "";
  cluster.status = () => {
    const status = calm();
    for (const b of status.balancers) b.alive = b.name === status.node;
    Object.assign(status.edges[0], { state: "silent", stand_ins: ["edge-2"], report_age: 61_000, delivering: 0 });
    Object.assign(status.edges[1], { delivering: status.edges[1].delivering + 17, fail_safe: true });
    status.verdict = {
      level: "bad", survives_next: "unknown", text: "edge-1 is silent, edge-2 stands in",
      more: "No majority of the balancers: sessions go on, the placement can't change. What the next failure would cost is not known.",
      next: "Start the balancers that are gone. If most are lost for good: tandem cluster recover.",
    };
    return status;
  };
  cluster.changed();
  await sees(page, "edge-1 is silent, edge-2 stands in", "#sentence");
  await sees(page, "No majority of the balancers", "#more");
  await sees(page, "tandem cluster recover", "#next");
  await sees(page, "No majority: the placement can't change.", ".summary.bad");
  assert.equal(await page.locator("#edge-edge-1 .pill.bad").innerText(), "silent");
  assert.equal(await page.locator(".balancers li.bad").count(), 2);
  await sees(page, "nobody", "#facts .bad");
  assert.equal(await page.locator("svg.ring .safe").textContent(), "? next failure not known");
  await lookAtAll(page);
  await fits(page, `${width}, nobody leads`);
  await picture(page, `${width}-nobody-leads`);
  assert.deepEqual(complaints, []);
  await close();
}

async function ringsOfAllSizes(browser) {
  for (const [edges, slots] of [[2, 20], [3, 100], [9, 400], [64, 5000]]) {
    const { cluster, page, complaints, close } = await open(browser, { width: 1440, edges, slots, scheme: edges % 2 ? "light" : "dark" });
    cluster.kill("edge-2");
    await sees(page, "edge-2 is down", "#sentence");
    assert.equal(await page.locator("svg.ring .node").count(), edges);
    assert.equal(await page.locator("svg.ring .lane .divider").count(), edges);
    await fits(page, `${edges} edges`);
    await picture(page, `ring-${edges}`, false);
    assert.deepEqual(complaints, []);
    await close();
  }
}

// Nobody sees the cluster before they have logged in; who may only look finds nothing
// to press.
async function logsIn(browser) {
  const cluster = new PaperCluster({ edges: 4, slots: 50 });
  const status = cluster.status.bind(cluster);
  cluster.status = () => ({ ...status(), demo: true });
  const fake = await serve(cluster);
  fake.self = { name: "", role: "nobody", by: "", login: ["token"] };
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(fake.url);
  await page.locator("dialog input[name=token]").waitFor();
  assert.equal(await page.locator("svg.ring .node").count(), 0);
  await page.fill("dialog input[name=token]", "bad");
  await page.click("dialog button.primary");
  await sees(page, "Nobody has this token");
  await page.fill("dialog input[name=token]", "elsewhere");
  await page.click("dialog button.primary");
  await sees(page, "its names are --admin-hosts");
  await page.fill("dialog input[name=token]", "good");
  await page.click("dialog button.primary");
  await page.waitForSelector("body.ready");
  await sees(page, "anna (viewer)", "#who");
  assert.equal(await page.locator("#edges button:visible").count(), 0);
  assert.equal(await page.locator("#purge:visible").count(), 0);
  assert.ok(await page.locator("#edges button").count() > 0); // there, and hidden
  await page.locator("#demo li").first().waitFor();
  assert.equal(await page.locator("#demo button:visible").count(), 0);
  await picture(page, "viewer");
  // The login ends while the page is open: who looks at it is asked once, and goes on.
  fake.self = { name: "", role: "nobody", by: "", login: ["token"] };
  fake.cut();
  await sees(page, "Your login has ended", "dialog[open]");
  for (const asked = fake.refused; fake.refused < asked + 3;) await page.waitForTimeout(50); // it goes on asking
  assert.equal(await page.locator("dialog[open]").count(), 1);
  await picture(page, "login-ended", false);
  await page.fill("dialog[open] input[name=token]", "good");
  await page.click("dialog[open] button.primary");
  await sees(page, "live", "#connection");
  await page.locator("#problems").waitFor({ state: "hidden" });
  assert.equal(await page.locator("#who").count(), 1);
  cluster.kill("edge-1");
  await sees(page, "edge-1 is down", "#sentence");
  await context.close();
  fake.close();
}

// Boundaries glide, but not for those who asked for no motion.
async function motionIsAsked(browser) {
  for (const [motion, want] of [["no-preference", "0.8s"], ["reduce", "0s"]]) {
    const { page, close } = await open(browser, { width: 1440, motion });
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector("svg.ring .divider")).transitionDuration), want);
    await close();
  }
}

const browser = await openBrowser();
try {
  for (const [width, scheme] of [[1440, "dark"], [1440, "light"], [390, "dark"], [820, "light"]]) await deathAndReturn(browser, width, scheme);
  await ordersAreAskedTwice(browser);
  await balancerGoesAndComesBack(browser);
  for (const [width, scheme] of [[1440, "dark"], [390, "light"]]) await nobodyLeads(browser, width, scheme);
  await ringsOfAllSizes(browser);
  await motionIsAsked(browser);
  await logsIn(browser);
  console.log("dashboard: ok");
} finally {
  await browser.close();
}
