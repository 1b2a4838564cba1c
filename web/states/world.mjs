// A demo in a network and mounts of its own, and what is done to its nodes.
import { spawn, execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Cluster } from "../players/cluster.mjs";

const run = promisify(execFile);

export class World {
  #children = [];
  #sockets = [];
  #mounts = [];

  constructor(binary, base) {
    Object.assign(this, { binary, base });
  }

  // small are nodes whose disk is a file system of 24 MB of its own; failing those with one
  // that can be made to fail.
  async open(flags, { small = [], failing = [] } = {}) {
    this.dir = await mkdtemp(path.join(this.base, "demo-"));
    for (const name of small) {
      const disk = path.join(this.dir, name, "data");
      await mkdir(disk, { recursive: true });
      await run("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", disk]);
      this.#mounts.push(disk);
    }
    for (const name of failing) {
      const disk = path.join(this.dir, name, "data");
      const image = path.join(this.dir, `${name}.ext4`);
      await mkdir(disk, { recursive: true });
      await run("truncate", ["-s", "64M", image]);
      await run("mkfs.ext4", ["-q", "-F", image]);
      await run("mount", ["-o", "loop,errors=remount-ro", image, disk]);
      this.#mounts.push(disk);
    }
    for (let tries = 1; !this.cluster; tries++) {
      this.cluster = await Cluster.start(this.binary, this.dir, flags).catch((err) => {
        if (tries === 5 || !err.message.includes("is in use")) throw err; // a port was taken between the look and the start
      });
    }
    await this.cluster.allUp(20_000);
    return this;
  }

  node(name) { return this.cluster.file.nodes.find((n) => n.name === name); }

  admin(name = "lb-1") { return this.node(name).admin; }

  kill(name) { return this.cluster.fault("kill", name); }
  halt(name) { return this.cluster.fault("stop", name); }
  go(name) { return this.cluster.heal("stop", name); }

  // Brings a node back: as it was, with other arguments, another binary, another environment.
  async back(name, { args = [], binary, without = [], env = {}, wipe } = {}) {
    const node = this.node(name);
    const own = node.args.slice(1).flatMap((a, i, all) => without.includes(a) ? [] : without.includes(all[i - 1]) ? [] : [a]);
    node.args = [binary ?? node.args[0], ...own, ...args];
    if (wipe) await rm(path.join(this.dir, name, "data"), { recursive: true, force: true });
    Object.assign(process.env, env);
    await this.cluster.heal("kill", name);
    for (const key of Object.keys(env)) delete process.env[key];
  }

  async again(name, how = {}) {
    await this.kill(name);
    await this.gone(name);
    await this.back(name, how);
  }

  async gone(name) {
    const { pid } = this.node(name);
    for (const end = Date.now() + 5000; Date.now() < end; await sleep(20)) {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      if (!stat) return;
      if (stat.split(") ")[1][0] !== "Z") continue;
      const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
      if (threads.length <= 1) return; // the others hold its ports until they have ended
    }
    throw new Error(`${name} does not go`);
  }

  // An edge that the demo did not have.
  async join(name, args) {
    const ports = await Promise.all([0, 0].map(() => new Promise((done) => { const s = net.createServer().listen(0, "127.0.0.1", () => { const { port } = s.address(); s.close(() => done(port)); }); })));
    const like = this.node("edge-1");
    const set = { "--listen": `127.0.0.1:${ports[0]}`, "--admin-listen": `127.0.0.1:${ports[1]}`, "--name": name, "--data": path.join(this.dir, name, "data"), "--public-url": `http://127.0.0.1:${ports[0]}` };
    await mkdir(path.join(this.dir, name), { recursive: true });
    this.cluster.file.nodes.push({
      ...like, name, dir: path.join(this.dir, name), http: `http://127.0.0.1:${ports[0]}`, admin: `http://127.0.0.1:${ports[1]}`,
      args: [...like.args.map((a, i, all) => set[all[i - 1]] ?? a), ...args], pid: 0,
    });
    await this.cluster.heal("kill", name);
  }

  // A command of tandem's; it has to succeed.
  async tandem(...args) {
    const { stdout } = await run(this.binary, args, { env: { ...process.env, TANDEM_CLUSTER: path.join(this.dir, "cluster.json") } });
    return stdout;
  }

  async status(admin = this.admin()) {
    return (await fetch(`${admin}/api/v1/status`, { signal: AbortSignal.timeout(3000) })).json();
  }

  // Viewers that play until the end; some may be refused.
  async viewers(n) {
    const bench = spawn(this.binary, ["bench", "--viewers", String(n), "--for", "15m", "--cluster", path.join(this.dir, "cluster.json")], { stdio: "ignore" });
    this.#children.push(bench);
    for (const end = Date.now() + 15_000; Date.now() < end; await sleep(100)) if ((await this.status()).sessions >= Math.min(n, 12)) break;
    await sleep(2500); // all positions are known
  }

  leave() {
    for (const child of this.#children) child.kill("SIGKILL");
    this.#children = [];
  }

  // Connections from an address of their own that ask for nothing.
  async connections(n, from) {
    const { hostname, port } = new URL(this.cluster.viewers);
    for (let i = 0; i < n; i++) {
      const s = net.connect({ host: hostname, port, localAddress: from });
      s.on("error", () => {});
      this.#sockets.push(s);
    }
    await sleep(300);
  }

  // Clients that ask for more than the kernel has room for, and take none of it.
  async takers(n, target) {
    const { hostname, port } = new URL(this.cluster.viewers);
    for (let i = 0; i < n; i++) {
      const s = net.connect({ host: hostname, port });
      s.on("error", () => {});
      s.pause();
      s.write(`GET ${target} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`.repeat(200));
      this.#sockets.push(s);
    }
  }

  // Nothing below that directory can be written any more.
  async seal(name) {
    const dir = path.join(this.dir, name);
    await run("mount", ["--bind", dir, dir]);
    this.#mounts.push(dir);
    await run("mount", ["-o", "remount,bind,ro", dir]);
  }

  async get(target) {
    const answer = await fetch(this.cluster.viewers + target, { signal: AbortSignal.timeout(10_000) });
    await answer.arrayBuffer();
    return answer.status;
  }

  // What goes to a port of this network is dropped, until heal.
  async cut(...ports) {
    await run("nft", ["add", "table", "inet", "states"]);
    await run("nft", ["add", "chain", "inet", "states", "in", "{ type filter hook input priority 0 ; }"]);
    for (const port of ports) await run("nft", ["add", "rule", "inet", "states", "in", "tcp", "dport", String(port), "drop"]);
    for (const port of ports) await run("nft", ["add", "rule", "inet", "states", "in", "tcp", "sport", String(port), "drop"]);
  }

  async heal() { await run("nft", ["delete", "table", "inet", "states"]); }

  port(name, flag) {
    const { args } = this.node(name);
    return new URL(`http://${args[args.indexOf(flag) + 1]}`).port;
  }

  async order(what, body) {
    const answers = [];
    for (const { admin } of this.cluster.file.nodes.filter((n) => n.role === "lb")) {
      const answer = await fetch(admin + what, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal: AbortSignal.timeout(5000) }).catch((err) => err);
      if (answer.ok) return;
      answers.push(answer.message ?? `${answer.status} ${await answer.text()}`);
    }
    throw new Error(`POST ${what}: ${answers.join("; ")}`);
  }

  async fill(name) { await writeFile(path.join(this.dir, name, "data", "filler"), Buffer.alloc(24 << 20)).catch(() => {}); }

  async unfill(name) { await rm(path.join(this.dir, name, "data", "filler"), { force: true }); }

  // The disk gives up: from now on it can only be read.
  async fail(name) { await run("mount", ["-o", "remount,abort", path.join(this.dir, name, "data")]); }

  async close() {
    this.leave();
    for (const s of this.#sockets) s.destroy();
    await this.cluster?.close();
    for (const disk of this.#mounts) await run("umount", ["-l", disk]).catch(() => {});
  }
}
