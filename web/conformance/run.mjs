// The public caching suite (cache-tests.fyi) against an edge alone.
//
//   node conformance/run.mjs [--binary ../bin/tandem] [--json FILE] [--id TEST]
//
// Exit 1 when a required test fails that accepted.json does not name, or when one
// that it names passes.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { Stand } from "./stand.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const { values: asked } = parseArgs({ options: {
  binary: { type: "string", default: process.env.TANDEM_BIN || path.join(here, "../../bin/tandem") },
  json: { type: "string", default: "" }, // where the suite's own results go
  id: { type: "string", default: "" }, // one test, with all heads
} });
const atOnce = 100; // tests, as the suite's own runner has it

const require = createRequire(import.meta.url);
let suite;
try {
  suite = path.dirname(require.resolve("http-cache-tests/package.json"));
} catch {
  console.error("conformance: http-cache-tests is not installed; run npm ci in web/");
  process.exit(2);
}
const part = (name) => import(pathToFileURL(path.join(suite, name)).href);
const config = await part("client/config.mjs");
const { makeCacheTest, testResults } = await part("client/test.mjs");
const { determineTestResult } = await part("lib/display.mjs");
const suites = (await part("tests/index.mjs")).default;
const surrogate = (await part("tests/surrogate-control.mjs")).default;
const fetch = (await import("node-fetch")).default;

// The tests that this run is about. Surrogate-Control (a draft of 2001) is counted apart.
suites.push(surrogate);
const tests = suites.flatMap((s) => s.tests.map((t) => ({ test: t, of: s === surrogate ? "surrogate" : t.kind ?? "required" })))
  .filter(({ test }) => !test.browser_only && (!asked.id || test.id === asked.id));

async function run(list) {
  for (let i = 0; i < list.length; i += atOnce) await Promise.all(list.slice(i, i + atOnce).map(makeCacheTest));
}

// One more try for what failed, since the suite judges seconds.
async function runAll(accepted) {
  await run(tests.map(({ test }) => test));
  const again = tests.map(({ test }) => test).filter(({ id }) => testResults[id] !== true && !(id in accepted));
  for (const { id } of again) delete testResults[id];
  if (!asked.id) await run(again);
}

const passed = (id) => testResults[id] === true && ["✅", "Y"].includes(determineTestResult(suites, id, testResults)[2]);
const why = (id) => (Array.isArray(testResults[id]) ? testResults[id].join(": ") : "a test that it depends on failed");

// Prints what came of the tests; true when it is as it has to be.
function report(accepted) {
  for (const kind of ["required", "optimal", "check", "surrogate"]) {
    const ids = tests.filter(({ of }) => of === kind).map(({ test }) => test.id);
    const failed = ids.filter((id) => !passed(id));
    console.log(`${kind}: ${ids.length - failed.length} of ${ids.length}`);
    if (kind === "required" || kind === "optimal") for (const id of failed) console.log(`  ${id in accepted ? "accepted" : "failed"}  ${id}  ${why(id)}`);
  }
  const required = tests.filter(({ of }) => of === "required").map(({ test }) => test.id);
  const failed = required.filter((id) => !passed(id) && !(id in accepted));
  const idle = Object.keys(accepted).filter((id) => !required.includes(id) || passed(id));
  if (failed.length) console.error(`conformance: ${failed.length} required tests fail: ${failed.join(", ")}`);
  if (idle.length) console.error(`conformance: these pass; their rows in accepted.json can go: ${idle.join(", ")}`);
  return failed.length + idle.length === 0;
}

const stand = new Stand();
let good = false;
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stand.close().finally(() => process.exit(1)));
try {
  const accepted = JSON.parse(await readFile(path.join(here, "accepted.json"), "utf8"));
  await stand.open(suite, path.resolve(asked.binary));
  config.setFetch(fetch);
  config.setBaseUrl(stand.edge);
  config.setUseBrowserCache(false);
  for (const { test } of tests) if (asked.id) test.dump = true;
  await runAll(accepted);
  if (asked.json) await writeFile(asked.json, JSON.stringify(testResults, Object.keys(testResults).sort(), 2) + "\n");
  good = asked.id ? tests.length === 1 && testResults[asked.id] === true : report(accepted);
  if (asked.id) console.log(await stand.log("origin"), asked.id, testResults[asked.id]);
} catch (err) {
  console.error(`conformance: ${err.message}`);
} finally {
  await stand.close();
}
process.exit(good ? 0 : 1);
