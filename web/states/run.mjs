// Every state of a cluster that an operator can meet, made to happen with real processes,
// and looked at: `tandem status`, the API and the page have to say what is wrong and what to
// do next, in the same words. The pictures are kept for somebody to look at.
//
//	make states [STATES=edges,disks]     as root: it makes a network and mounts of its own
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { openBrowser } from "../test/browser.mjs";
import { Comparison } from "./compare.mjs";
import { scenes } from "./states.mjs";
import { World } from "./world.mjs";

const built = process.env.TANDEM_BIN || fileURLToPath(new URL("../../bin/tandem", import.meta.url));
const base = await mkdtemp(path.join(tmpdir(), "tandem-states-"));
const binary = path.join(base, "tandem"); // a build meanwhile is another one
await copyFile(built, binary);
const pictures = process.argv[2] || path.join(base, "pictures");
const asked = (process.env.STATES || Object.keys(scenes).join()).split(",");
await mkdir(pictures, { recursive: true });
const browser = await openBrowser();
const comparison = new Comparison(browser, binary, pictures);
const began = Date.now();
try {
  for (const name of asked) {
    const scene = scenes[name];
    if (!scene) throw new Error(`no scene is called ${name}: ${Object.keys(scenes).join(", ")}`);
    const world = new World(binary, base);
    try {
      await world.open(await scene.flags(base), scene);
      await scene.play(world, (state, words, how = {}) => comparison.look(state, (how.world ?? world).admin(how.of), words, how), base);
    } catch (err) {
      console.log(`FAIL  ${name}: ${err.stack}`);
      comparison.failed.push(name);
    } finally {
      await world.close();
    }
  }
} finally {
  await browser.close();
}
console.log(`${comparison.seen} states, ${comparison.failed.length} failed${comparison.failed.length ? `: ${comparison.failed.join(", ")}` : ""}; ${((Date.now() - began) / 1000).toFixed(0)} s; pictures: ${pictures}`);
if (!comparison.failed.length && !process.argv[2]) console.log(`remove them with rm -r ${base}`);
else if (process.argv[2]) await rm(base, { recursive: true, force: true });
process.exit(comparison.failed.length ? 1 : 0);
