// Other binaries of this source: one that says it is of another version, and one whose
// clock is off. Linux has no namespace for the time of day, and a static binary takes no
// library before its own: so Go's time.Now is built anew, with what TANDEM_SKEW says
// (seconds) added.
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

async function build(to, [version, commit], more = []) {
  const stamp = `-X tandem/internal/obs.version=${version} -X tandem/internal/obs.commit=${commit}`;
  await run("go", ["build", "-trimpath", "-ldflags", stamp, ...more, "-o", to, "./cmd/tandem"], { cwd: root, env: { ...process.env, CGO_ENABLED: "0" }, maxBuffer: 1 << 24 });
  return to;
}

// Version and commit of the binary that is tried.
async function own(binary) {
  const { stdout } = await run(binary, ["version"]);
  return /^tandem (\S+)\ncommit (\S+)/.exec(stdout).slice(1);
}

export async function older(dir) {
  return build(path.join(dir, "tandem-older"), ["v0.9.0", "0000000"]);
}

export async function skewed(dir, binary) {
  const goroot = (await run("go", ["env", "GOROOT"])).stdout.trim();
  const source = path.join(goroot, "src/time/time.go");
  const text = await readFile(source, "utf8");
  const asked = "sec, nsec, mono := runtimeNow()";
  if (!text.includes(`func Now() Time {\n\t${asked}`)) throw new Error(`${source} is not as it was: ${asked} is not in Now`);
  const changed = path.join(dir, "time.go");
  const added = path.join(dir, "skew.go");
  await writeFile(changed, text.replace(`func Now() Time {\n\t${asked}`, `func Now() Time {\n\t${asked}\n\tsec += skew`));
  await writeFile(added, `package time

import "syscall"

var skew = func() (n int64) {
	text, _ := syscall.Getenv("TANDEM_SKEW")
	for i := range len(text) {
		if text[i] != '-' {
			n = 10*n + int64(text[i]-'0')
		}
	}
	if len(text) > 0 && text[0] == '-' {
		n = -n
	}
	return n
}()
`);
  const overlay = path.join(dir, "overlay.json");
  await writeFile(overlay, JSON.stringify({ Replace: { [source]: changed, [path.join(goroot, "src/time/skew.go")]: added } }));
  return build(path.join(dir, "tandem-skewed"), await own(binary), ["-overlay", overlay]);
}
