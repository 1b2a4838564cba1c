// An origin that is not ours: the built-in sample as other people lay theirs out, which
// are the kinds of layouts that a session's address has to hold. It gives no CORS and
// notes who asks: what comes without Via comes from a player that left the cluster.
import { readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { lowLatency } from "./lowlatency.mjs";

export const sample = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../origin/sample");
const types = { ".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml", ".m4s": "video/iso.segment", ".mp4": "video/mp4" };
const renditions = ["v0", "v1", "v2", "a"];
const count = 30; // segments of each
const listed = 6; // of a live playlist
const every = 2000; // milliseconds

// What is played: the entries by what is odd of them, and who does not play them wherever
// they come from: ffmpeg knows no EXT-X-DEFINE and no UTF-16; hls.js takes a number whose
// path is another one for a mistake.
export const layouts = [
  { name: "segments above and beside", path: "/c01/ch/manifest/master.m3u8" },
  { name: "URIs above the root", path: "/c02/master.m3u8" },
  { name: "absolute, on another of our hosts", path: "/c02/hosts.m3u8" },
  { name: "signed anew by query", path: "/c03/query/master.m3u8", live: true },
  { name: "signed anew in the path", path: "/c03/path/master.m3u8", live: true, not: ["hls.js"] },
  { name: "no extension", path: "/c09/ch.ism/Manifest(format=m3u8-aapl)" },
  { name: "variables", path: "/c13/master.m3u8?auth=abc", not: ["ffmpeg"] },
  { name: "playlists redirected", path: "/c16/master.m3u8" },
  { name: "CDATA, a clock, absolute", path: "/c20/manifest.mpd" },
  { name: "CDATA, in UTF-16", path: "/c20/wide.mpd", not: ["ffmpeg"] },
];

export class LayoutOrigin {
  asked = []; // {at, target, direct, agent}
  #began = new Map(); // of a live stream, when it was asked for first

  static async start() {
    const o = new LayoutOrigin();
    o.low = await lowLatency(path.join(sample, "v1/index.m3u8"));
    o.server = http.createServer((request, response) => o.#answer(request, response).catch((err) => response.destroy(err)));
    o.server.keepAliveTimeout = 60_000;
    await new Promise((done) => o.server.listen(0, "127.0.0.1", done));
    o.host = `127.0.0.1:${o.server.address().port}`;
    o.other = `localhost:${o.server.address().port}`; // the same by another name
    o.url = `http://${o.host}`;
    return o;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  // What players asked of it past the cluster.
  strays() { return this.asked.filter((a) => a.direct); }

  async #answer(request, response) {
    const url = new URL(request.url, this.url);
    this.asked.push({ at: Date.now(), target: request.url, direct: !request.headers.via, agent: request.headers["user-agent"] ?? "", range: request.headers.range ?? "" });
    if (url.pathname.startsWith("/ll/")) return this.low.answer(url, request, response);
    const [, at, ...rest] = url.pathname.split("/");
    const given = await (this[`_${at}`]?.(rest, url) ?? this.#media(url.pathname, rest));
    if (!given) return response.writeHead(404, { "Cache-Control": "max-age=1" }).end();
    if (given.location) return response.writeHead(302, { Location: given.location, "Cache-Control": "max-age=1" }).end();
    const type = given.type ?? types[path.extname(url.pathname)] ?? "application/octet-stream";
    const life = given.text === undefined ? 600 : 1;
    const body = given.text ?? given.body;
    return response.writeHead(200, { "Content-Type": type, "Cache-Control": `max-age=${life}`, "Content-Length": Buffer.byteLength(body) }).end(body);
  }

  // Segments, under whatever folders: the last two components say which.
  async #media(_, rest) {
    const names = rest.filter((name) => !name.startsWith("sig-"));
    const [rendition, name] = names.slice(-2);
    if (!renditions.includes(rendition) || !/^(seg\d+\.m4s|init\.mp4)$/.test(name)) return null;
    return { body: await readFile(path.join(sample, rendition, name)) };
  }

  async #text(name) { return (await readFile(path.join(sample, name), "utf8")); }

  // A master with its lists, and a list with its segments, called as told.
  async #master(of) { return { text: (await this.#text("master.m3u8")).replace(/(v\d|a)\/index\.m3u8/g, (_, r) => of(r)) }; }

  async #list(rendition, of, head = "") {
    const text = await this.#text(`${rendition}/index.m3u8`);
    return { text: text.replace("#EXTM3U\n", `#EXTM3U\n${head}`).replace(/seg(\d+)\.m4s|init\.mp4/g, (name, n) => of(name, Number(n))) };
  }

  _c01(rest) {
    const name = rest.join("/");
    if (name === "ch/manifest/master.m3u8") return this.#master((r) => `../lists/${r}.m3u8`);
    const [, rendition] = /^ch\/lists\/(\w+)\.m3u8$/.exec(name) ?? [];
    return rendition && this.#list(rendition, (file, n) => [`../../media/${rendition}/${file}`, `../../../c01/other/${rendition}/${file}`, `/c01/third/${rendition}/${file}`][(n || 0) % 3]);
  }

  _c02(rest) {
    const hosts = rest[0] === "hosts.m3u8" || rest[0] === "hosts";
    if (/^\w+\.m3u8$/.test(rest[0]) && rest.length === 1) return this.#master((r) => (hosts ? `http://${this.other}/c02/hosts/${r}.m3u8` : `../../../c02/lists/${r}.m3u8`));
    const [, rendition] = /^(?:lists|hosts)\/(\w+)\.m3u8$/.exec(rest.join("/")) ?? [];
    return rendition && this.#list(rendition, (file, n) => (hosts ? [`//${this.other}`, `HTTP://${this.host.toUpperCase()}`][(n || 0) % 2] + `/c02/m/${rendition}/${file}` : `../../../../../m/${rendition}/${file}`));
  }

  _m(rest) { return this.#media("", rest); }

  // Live, its segments signed anew at each reload.
  _c03(rest) {
    const [kind, name] = rest;
    const [, rendition] = /^(v\d|a)\.m3u8$/.exec(name ?? "") ?? [];
    if (name === "master.m3u8") return this.#master((r) => `${r}.m3u8`);
    if (!rendition) return this.#media("", rest);
    const sign = `sig-${Date.now()}`;
    return this.#live(kind, rendition, (file) => (kind === "query" ? `m/${rendition}/${file}?e=${Date.now()}&st=${sign}` : `${sign}/${rendition}/${file}`));
  }

  async #live(stream, rendition, of) {
    const durations = [...(await this.#text(`${rendition}/index.m3u8`)).matchAll(/#EXTINF:([\d.]+)/g)].map((m) => m[1]);
    if (!this.#began.has(stream)) this.#began.set(stream, Date.now() - (listed + 1) * every);
    const end = Math.floor((Date.now() - this.#began.get(stream)) / every), first = Math.max(0, end - listed);
    let text = `#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:${first}\n#EXT-X-DISCONTINUITY-SEQUENCE:${Math.floor(first / count)}\n#EXT-X-MAP:URI="/c03/${rendition}/init.mp4"\n`;
    for (let n = first; n < end; n++) {
      if (n % count === 0 && n > first) text += `#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="/c03/${rendition}/init.mp4"\n`;
      text += `#EXTINF:${durations[n % count]},\n${of(`seg${n % count + 1}.m4s`, n)}\n`;
    }
    return { text };
  }

  _c09(rest) {
    const [, folder, manifest] = rest;
    const type = { type: "application/vnd.apple.mpegurl" };
    if (folder === "Manifest(format=m3u8-aapl)") return this.#master((r) => `QualityLevels(${r})/Manifest(video,format=m3u8-aapl)`).then((m) => ({ ...m, ...type }));
    const [, rendition] = /^QualityLevels\((\w+)\)$/.exec(folder ?? "") ?? [];
    if (!rendition || !manifest) return null;
    if (manifest.startsWith("Manifest(")) return this.#list(rendition, (file, n) => `Fragments(${n ? `video=${n}` : "init"},format=mp4)`).then((m) => ({ ...m, ...type }));
    const [, n] = /^Fragments\(video=(\d+),/.exec(manifest) ?? [];
    return readFile(path.join(sample, rendition, n ? `seg${n}.m4s` : "init.mp4")).then((body) => ({ body, type: "video/mp4" }));
  }

  _c13(rest, url) {
    const define = `#EXT-X-DEFINE:NAME="base",VALUE="${this.url}/c13"\n#EXT-X-DEFINE:NAME="dir",VALUE="/c13"\n`;
    if (rest[0] === "master.m3u8") {
      return this.#master((r) => `{$base}/lists/${r}.m3u8?auth={$auth}`)
        .then((m) => ({ text: m.text.replace("#EXTM3U\n", `#EXTM3U\n${define}#EXT-X-DEFINE:QUERYPARAM="auth"\n`).replace("VERSION:7", "VERSION:11") }));
    }
    const [, rendition] = /^lists\/(\w+)\.m3u8$/.exec(rest.join("/")) ?? [];
    if (rendition) return url.searchParams.get("auth") === "abc" ? this.#list(rendition, (file, n) => `${["{$base}", "{$dir}"][(n || 0) % 2]}/m/${rendition}/${file}`, define) : null;
    return this.#media("", rest);
  }

  _c16(rest) {
    const name = rest.join("/");
    if (name === "master.m3u8") return { location: `${this.url}/c16/real/master.m3u8` };
    if (name === "real/master.m3u8") return this.#master((r) => `${r}.m3u8`);
    const [, folder, rendition] = /^(real|lists)\/(\w+)\.m3u8$/.exec(name) ?? [];
    if (folder === "real") return { location: `/c16/lists/${rendition}.m3u8` };
    if (rendition) return this.#list(rendition, (file) => `${rendition}/${file}`);
    return this.#media("", rest);
  }

  async _c20(rest) {
    if (rest[0] === "time") return { text: new Date().toISOString(), type: "text/plain" };
    if (!/\.mpd$/.test(rest[0])) return this.#media("", rest);
    const clock = `<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="${this.url}/c20/time"/>`;
    const whole = (await this.#text("manifest.mpd"))
      .replace(/(<Period )/, `<!-- <BaseURL>${this.url}/comment/</BaseURL> --><BaseURL serviceLocation="a"><![CDATA[${this.url}/c20/cdata/]]></BaseURL>\n$1`)
      .replace("</MPD>", `${clock}</MPD>`);
    if (rest[0] === "manifest.mpd") return { text: whole };
    return { body: Buffer.from(`\uFEFF${whole.replace("utf-8", "utf-16")}`, "utf16le"), type: "application/dash+xml; charset=utf-16" };
  }
}
