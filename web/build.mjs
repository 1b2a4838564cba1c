// Builds the dashboard: typecheck, bundle, hashed names, index.html.
//
//   node build.mjs            into dist/
//   node build.mjs --fast     without the typecheck
//
// What is in dist/ is embedded into the binary by embed.go. Names under
// assets/ contain a hash of their content, so they may be cached for ever.
import { spawnSync } from "node:child_process";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, "dist");

function typecheck() {
  const tsc = path.join(here, "node_modules", "typescript", "bin", "tsc");
  const run = spawnSync(process.execPath, [tsc, "--noEmit", "-p", here], { stdio: "inherit" });
  if (run.status !== 0) process.exit(run.status ?? 1);
}

// Empties dist/ but for .keep, which is committed so that Go can embed the folder.
async function empty() {
  await mkdir(dist, { recursive: true });
  for (const name of await readdir(dist)) {
    if (name !== ".keep") await rm(path.join(dist, name), { recursive: true });
  }
}

async function bundle() {
  const result = await esbuild.build({
    absWorkingDir: here,
    entryPoints: { app: "ui/main.ts", style: "ui/style.css", icon: "ui/icon.svg" },
    outdir: "dist/assets",
    entryNames: "[name]-[hash]",
    bundle: true,
    splitting: true, // the playing libraries are loaded when they are needed
    chunkNames: "[name]-[hash]",
    minify: true,
    format: "esm",
    target: ["es2022", "chrome111", "firefox113", "safari16.4"],
    loader: { ".svg": "copy" },
    legalComments: "none",
    metafile: true,
  });
  const built = {};
  for (const [file, output] of Object.entries(result.metafile.outputs)) {
    if (output.entryPoint) built[output.entryPoint] = path.posix.relative("dist", file);
    else if (file.endsWith(".svg")) built["ui/icon.svg"] = path.posix.relative("dist", file);
  }
  return built;
}

async function index(built) {
  let page = await readFile(path.join(here, "ui", "index.html"), "utf8");
  for (const source of ["ui/main.ts", "ui/style.css", "ui/icon.svg"]) {
    if (!built[source]) throw new Error(`${source} was not built`);
    page = page.replaceAll(`{{${source}}}`, built[source]);
  }
  if (page.includes("{{")) throw new Error("ui/index.html names a file that is not built");
  await writeFile(path.join(dist, "index.html"), page);
}

if (!process.argv.includes("--fast")) typecheck();
await empty();
await index(await bundle());
