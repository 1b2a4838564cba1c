// What the suite needs around it: its origin and an edge, each a process on a free
// port, in a directory that goes with them.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { openSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const patience = 15_000; // ms until both answer

export class Stand {
  #children = [];
  #dir;

  // Starts both; suite is the directory of the package, binary a tandem.
  async open(suite, binary) {
    this.#dir = await mkdtemp(path.join(os.tmpdir(), "tandem-conformance-"));
    const origin = await freePort();
    const edge = await freePort();
    this.origin = `http://127.0.0.1:${origin}`;
    this.edge = `http://127.0.0.1:${edge}`;
    this.#start("origin", process.execPath, ["--no-warnings", "server/server.mjs"], {
      cwd: suite,
      env: { ...process.env, npm_config_protocol: "http", npm_config_port: String(origin), npm_config_pidfile: path.join(this.#dir, "pid") },
    });
    this.#start("edge", binary, ["edge", "--listen", `127.0.0.1:${edge}`, "--origin", this.origin, "--data", path.join(this.#dir, "data"), "--log-level", "warn"], {});
    for (const port of [origin, edge]) await this.#answers(port);
  }

  #start(name, command, args, options) {
    const log = openSync(path.join(this.#dir, `${name}.log`), "a");
    const child = spawn(command, args, { ...options, stdio: ["ignore", log, log] });
    child.on("error", (err) => { child.failed = err; });
    child.named = name;
    this.#children.push(child);
  }

  async #answers(port) {
    for (const until = Date.now() + patience; Date.now() < until; await sleep(50)) {
      for (const child of this.#children) {
        if (child.failed || child.exitCode !== null) throw new Error(`the ${child.named} ended: ${child.failed?.message ?? (await this.log(child.named))}`);
      }
      if (await accepts(port)) return;
    }
    throw new Error(`nobody answers on port ${port}`);
  }

  // What a process has said.
  log(name) {
    return readFile(path.join(this.#dir, `${name}.log`), "utf8");
  }

  async close() {
    for (const child of this.#children) {
      if (child.failed || child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await Promise.race([ended, sleep(5000).then(() => child.kill("SIGKILL"))]);
    }
    if (this.#dir) await rm(this.#dir, { recursive: true, force: true });
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.once("connect", () => { socket.destroy(); resolve(true); });
    socket.once("error", () => resolve(false));
  });
}
