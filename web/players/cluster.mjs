// A real cluster: `tandem demo`, its processes, and what can happen to them. Or
// one that somebody else started, with a control that takes links down and up.
//
// Always true: a signal goes only to a process whose command line is the node's
// own; every process started here holds a pipe to this one, so all of them are
// gone when this one is, however it ends.
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const pipeEnv = () => ({ ...process.env, TANDEM_PARENT_PIPE: "1" });

export class Cluster {
  #children = [];

  constructor(dir, file) {
    this.dir = dir;
    this.file = file;
  }

  // Starts a demo in dir and waits until it is ready.
  static async start(binary, dir, flags) {
    const args = ["demo", "--dir", dir, "--listen", "127.0.0.1:0", ...flags];
    // A group of its own: Ctrl-C goes to us, who then end it in order.
    const demo = spawn(binary, args, { stdio: ["pipe", "pipe", "pipe"], detached: true, env: pipeEnv() });
    let said = "";
    for (const out of [demo.stdout, demo.stderr]) out.on("data", (text) => { said += text; });
    let failed = "";
    demo.on("error", (err) => { failed = err.message; });
    demo.on("exit", (code, signal) => { failed ||= `the demo ended (${code ?? signal}): ${said.trim()}`; });
    const cluster = new Cluster(dir, null);
    cluster.#children.push(demo);
    for (const end = Date.now() + 45_000; ;) {
      try {
        cluster.file = JSON.parse(await readFile(cluster.#path, "utf8"));
        return cluster;
      } catch (err) {
        if (failed || Date.now() > end) {
          await cluster.close();
          throw new Error(failed || `the demo is not ready after 45 s: ${said.trim() || err.message}`);
        }
      }
      await sleep(20);
    }
  }

  // Takes a cluster that is ready and is not ours to end.
  static async attach(file) {
    return new Cluster(path.dirname(file), JSON.parse(await readFile(file, "utf8")));
  }

  get #path() { return path.join(this.dir, "cluster.json"); }

  get viewers() { return this.file.viewers[0]; }

  stream(live) {
    const found = this.file.streams.find((s) => s.live === live && s.hls && s.dash);
    if (!found) throw new Error(`cluster.json has no ${live ? "live" : "stored"} stream with HLS and DASH`);
    return found;
  }

  // Asks the balancers in turn for a path of the operators' API.
  async api(what) {
    let last;
    for (const { admin } of this.file.nodes.filter((n) => n.role === "lb")) {
      try {
        const answer = await fetch(admin + what, { signal: AbortSignal.timeout(3000) });
        if (!answer.ok) throw new Error(`${what}: ${answer.status} ${await answer.text()}`);
        return await answer.json();
      } catch (err) {
        last = err;
      }
    }
    throw last;
  }

  // Which edge delivers each session: "pair-slot-generation" to a name.
  async deliverers() {
    const { sessions } = await this.api("/api/v1/sessions?limit=1000");
    return new Map((sessions ?? []).map((s) => [`${s.pair}-${s.slot}-${s.generation}`, s.edge]));
  }

  // Waits until every edge delivers again; returns how long that took.
  async allUp(limit) {
    const began = Date.now();
    for (let last = ""; ;) {
      try {
        const { edges } = await this.api("/api/v1/status");
        last = edges.map((e) => `${e.name} ${e.state}`).join(", ");
        if (edges.every((e) => e.state === "up" && e.report_age >= 0 && e.report_age < 2000)) return Date.now() - began;
      } catch (err) {
        last = err.message;
      }
      if (Date.now() - began > limit) throw new Error(`not all edges are up after ${limit / 1000} s: ${last}`);
      await sleep(50);
    }
  }

  async #signal(name, signal) {
    const node = this.file.nodes.find((n) => n.name === name);
    const line = await readFile(`/proc/${node.pid}/cmdline`, "utf8").catch(() => "");
    if (line !== node.args.map((a) => `${a}\0`).join("")) throw new Error(`${name} does not run as process ${node.pid}`);
    process.kill(node.pid, signal);
  }

  // Asks the control for a link to be taken down ("cut") or up ("mend").
  async #link(verb, name) {
    const answer = await fetch(`${this.file.control}/${verb}/${name}`, { method: "POST", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`${verb} ${name}: ${answer.status} ${(await answer.text()).trim()}`);
  }

  // Faults, and what undoes them.
  async fault(kind, name) {
    if (kind === "cut") await this.#link("cut", name);
    else await this.#signal(name, { kill: "SIGKILL", stop: "SIGSTOP", end: "SIGTERM" }[kind]);
  }

  async heal(kind, name) {
    if (kind === "cut") await this.#link("mend", name);
    else if (kind === "stop") await this.#signal(name, "SIGCONT");
    else await this.#restart(name);
  }

  // Runs a dead node's command line again, as the machine coming back does.
  async #restart(name) {
    const node = this.file.nodes.find((n) => n.name === name);
    const child = spawn(node.args[0], node.args.slice(1), { stdio: ["pipe", "pipe", "pipe"], detached: true, env: pipeEnv() });
    const log = createWriteStream(path.join(node.dir, "log"), { flags: "a" });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.on("error", () => {}); // it is then not up in time, which is told
    this.#children.push(child);
    node.pid = child.pid;
    // The demo reads it at its end, to end this node as well.
    await writeFile(`${this.#path}.new`, JSON.stringify(this.file, null, 2));
    await rename(`${this.#path}.new`, this.#path);
  }

  // Ends every process, politely first.
  async close() {
    if (!this.#children.length) return;
    const ended = this.#children.map((c) => c.exitCode !== null || c.signalCode !== null || c.pid === undefined ? null : new Promise((done) => c.once("exit", done)));
    this.#children[0].kill("SIGTERM");
    await Promise.race([Promise.all(ended), sleep(5000, null, { ref: false })]);
    for (const child of this.#children) {
      child.stdin?.destroy();
      child.kill("SIGCONT");
      child.kill("SIGKILL"); // does nothing to one that is gone
    }
  }
}
