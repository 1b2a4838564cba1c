// A live stream of LL-HLS as another origin has it: parts are ranges of a file that
// grows, the next one is hinted at, reloads block until there is more. Made of the
// sample by ffmpeg, in fragments of half a second.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const frame = 0.04; // seconds
const target = 2; // seconds of a segment
const most = 0.52; // seconds of a part
const listed = 8; // segments
const withParts = 3; // of the last ones

// The header of a fragmented MP4, and its segments: each a list of {bytes, seconds}.
function cut(file) {
  const segments = [];
  let header = Buffer.alloc(0), moof = null;
  for (let at = 0; at < file.length;) {
    const size = file.readUInt32BE(at), box = file.subarray(at, at + size);
    const kind = box.toString("latin1", 4, 8);
    if (kind === "ftyp" || kind === "moov") header = Buffer.concat([header, box]);
    else if (kind === "moof") moof = box;
    else if (kind === "mdat" && moof) {
      const seconds = moof.readUInt32BE(moof.indexOf("trun") + 8) * frame;
      const last = segments.at(-1);
      const had = last ? last.reduce((sum, p) => sum + p.seconds, 0) : target;
      if (had > target - frame / 2) segments.push([]);
      segments.at(-1).push({ bytes: Buffer.concat([moof, box]), seconds });
      moof = null;
    }
    at += size;
  }
  return { header, segments };
}

export async function lowLatency(source) {
  const dir = await mkdtemp(path.join(os.tmpdir(), "tandem-ll-"));
  try {
    const file = path.join(dir, "ll.mp4");
    await promisify(execFile)("ffmpeg", ["-v", "error", "-nostdin", "-i", source, "-map", "0:v", "-c", "copy", "-f", "mp4",
      "-movflags", "empty_moov+default_base_moof+skip_trailer+frag_keyframe", "-frag_duration", "500000", file]);
    return new LowLatency(cut(await readFile(file)));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

class LowLatency {
  #began = 0; // when segment 0 began, once somebody has asked

  constructor({ header, segments }) { Object.assign(this, { header, segments }); }

  // How many parts there are of a segment by now: they come when they have been recorded.
  #there(n) {
    let at = this.#began + n * target * 1000, parts = 0;
    for (const p of this.#parts(n)) {
      at += p.seconds * 1000;
      if (at > Date.now()) break;
      parts++;
    }
    return parts;
  }

  #parts(n) { return this.segments[n % this.segments.length]; }

  // When so many parts of a segment are there.
  async #until(n, parts) {
    const at = this.#began + n * target * 1000 + this.#parts(n).slice(0, parts).reduce((sum, p) => sum + p.seconds * 1000, 0);
    if (at > Date.now()) await new Promise((done) => setTimeout(done, at - Date.now() + 5));
  }

  async answer(url, request, response) {
    this.#began ||= Date.now() - (listed + 2) * target * 1000;
    const name = url.pathname.slice("/ll/".length);
    const type = name.endsWith(".m3u8") ? "application/vnd.apple.mpegurl" : "video/mp4";
    const give = (status, body, head = {}) => response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body), ...head }).end(body);
    if (name === "master.m3u8") return give(200, '#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:BANDWIDTH=80000,RESOLUTION=426x240,CODECS="avc1.4d4016"\nlive.m3u8\n');
    if (name === "init.mp4") return give(200, this.header, { "Cache-Control": "max-age=600" });
    if (name === "live.m3u8") {
      const [msn, part] = ["_HLS_msn", "_HLS_part"].map((key) => url.searchParams.get(key));
      const now = this.#newest();
      if (msn !== null && Number(msn) > now + 2) return give(400, "");
      if (msn !== null) await this.#until(Number(msn), part === null ? Infinity : Number(part) + 1);
      return give(200, this.#list(), { "Cache-Control": `max-age=${msn === null ? 1 : 12}` });
    }
    const [, text] = /^seg-(\d+)\.m4s$/.exec(name) ?? [];
    return text ? this.#segment(Number(text), request, give) : give(404, "");
  }

  // The segment that is being recorded.
  #newest() { return Math.floor((Date.now() - this.#began) / (target * 1000)); }

  #list() {
    const end = this.#newest(), first = Math.max(0, end - listed), loop = this.segments.length;
    const map = '#EXT-X-MAP:URI="init.mp4"\n';
    let text = `#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:${target}\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${3 * most}\n#EXT-X-PART-INF:PART-TARGET=${most}\n` +
      `#EXT-X-MEDIA-SEQUENCE:${first}\n#EXT-X-DISCONTINUITY-SEQUENCE:${Math.floor(first / loop)}\n${map}`;
    for (let n = first; n <= end; n++) {
      if (n % loop === 0 && n > first) text += `#EXT-X-DISCONTINUITY\n${map}`;
      let at = 0;
      const there = n < end ? Infinity : this.#there(n);
      for (const [i, p] of this.#parts(n).entries()) {
        if (i >= there) {
          text += `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="seg-${n}.m4s",BYTERANGE-START=${at}\n`;
          break;
        }
        if (n > end - withParts) text += `#EXT-X-PART:DURATION=${p.seconds.toFixed(2)},URI="seg-${n}.m4s",BYTERANGE="${p.bytes.length}@${at}"${i ? "" : ",INDEPENDENT=YES"}\n`;
        at += p.bytes.length;
      }
      if (n < end) text += `#EXTINF:${target},\nseg-${n}.m4s\n`;
    }
    return text;
  }

  // A segment, as much as there is of it; a range waits for its first byte.
  async #segment(n, request, give) {
    const parts = this.#parts(n), [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    if (n > this.#newest() + 1) return give(404, "", { "Cache-Control": "max-age=1" });
    if (from !== undefined) {
      let sum = 0, needed = 0;
      while (needed < parts.length && sum <= Number(from)) sum += parts[needed++].bytes.length;
      await this.#until(n, needed);
    }
    const there = n < this.#newest() ? parts : parts.slice(0, this.#there(n));
    const body = Buffer.concat(there.map((p) => p.bytes));
    const head = { "Cache-Control": "max-age=12", ETag: `"${n}-${body.length}"`, "Accept-Ranges": "bytes" };
    if (from === undefined) return give(200, body, head);
    if (Number(from) >= body.length) return give(416, "", { "Content-Range": `bytes */${body.length}`, "Cache-Control": "max-age=1" });
    const last = Math.min(to ? Number(to) : Infinity, body.length - 1);
    return give(206, body.subarray(Number(from), last + 1), { ...head, "Content-Range": `bytes ${from}-${last}/${body.length}` });
  }
}
