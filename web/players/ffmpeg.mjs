// A reader that is no browser: ffmpeg plays the stored stream, and the link of
// the edge that serves it is cut in the middle. It has to decode the very frames
// that it decodes from the origin, at the same times, and complain of nothing.
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { line } from "./verdict.mjs";

const speed = 8; // times the stream's own, so that there is a middle
const origins = 1000; // as fast as it can
const limit = 60_000; // milliseconds for a whole reading
const outage = 5000; // milliseconds that the link stays down, as for the players

// The digest of every decoded frame with its times, by stream: "0" is the
// picture, "1" the sound. How the two are interleaved is ffmpeg's affair.
function frames(url, agent, fast, more = []) {
  const args = ["-v", "error", "-nostdin", "-threads", "1", ...(agent ? ["-user_agent", agent] : []), "-readrate", String(fast), ...more, "-i", url, "-map", "0:v:0", "-map", "0:a:0", "-f", "framemd5", "-"];
  const ffmpeg = spawn("ffmpeg", args, { stdio: ["ignore", "pipe", "pipe"], timeout: limit });
  let out = "", says = "";
  ffmpeg.stdout.on("data", (text) => { out += text; });
  ffmpeg.stderr.on("data", (text) => { says += text; });
  return new Promise((done) => {
    ffmpeg.on("error", (err) => done({ streams: {}, says: err.message }));
    ffmpeg.on("close", (code, signal) => {
      const streams = {};
      for (const text of out.split("\n")) {
        const [, stream, frame] = /^(\d+),(.*)$/.exec(text) ?? [];
        if (stream) (streams[stream] ??= []).push(frame);
      }
      done({ streams, says: code === 0 ? says.trim() : `ended with ${code ?? signal}: ${says.trim()}` });
    });
  });
}

// The first frame that is not the origin's, or "".
function differs(want, got) {
  for (const [stream, list] of Object.entries(want)) {
    const other = got[stream] ?? [];
    const at = list.findIndex((frame, i) => other[i] !== frame);
    if (at >= 0) return `stream ${stream}, frame ${at}: ${other[at] ?? "nothing"}, not ${list[at]}`;
    if (other.length !== list.length) return `stream ${stream}: ${other.length} frames, not ${list.length}`;
  }
  return "";
}

const nameOf = (s) => `${s.pair}-${s.slot}-${s.generation}`;

// Waits for the session of this reading to be in its middle.
async function middle(cluster, known) {
  for (const end = Date.now() + 15_000; Date.now() < end; await sleep(50)) {
    const { sessions } = await cluster.api("/api/v1/sessions?limit=1000");
    const own = (sessions ?? []).find((s) => !known.has(nameOf(s)) && /\/(seg|Fragments)/.test(s.path) && s.position > 3 && s.edge);
    if (own) return own;
  }
  throw new Error("ffmpeg never was in the middle");
}

// Waits until another edge delivers the session, and tells how long that took.
async function moved(cluster, own) {
  for (const began = Date.now(); Date.now() - began < 10_000; await sleep(20)) {
    const edge = (await cluster.deliverers()).get(nameOf(own));
    if (edge && edge !== own.edge) return { edge, took: Date.now() - began };
  }
  throw new Error(`the session is still with ${own.edge}`);
}

async function reader(cluster, { name, entry, agent, kind = "cut", more = [] }, want) {
  const complaints = want.says ? [`at the origin: ${want.says}`] : [];
  if (!(want.streams["0"]?.length > 1000 && want.streams["1"]?.length > 1000)) complaints.push("at the origin: hardly a frame");
  const known = new Set((await cluster.deliverers()).keys());
  let over = false;
  // A name of its own: DASH segments are asked at the entry, so by address and
  // name it would be the viewer of the reading before.
  const reading = frames(cluster.viewers + entry, agent, speed, more).finally(() => { over = true; });
  let edge = "", facts = "", mended;
  try {
    const own = await middle(cluster, known);
    edge = own.edge;
    await cluster.fault(kind, edge);
    mended = sleep(outage).then(() => cluster.heal(kind, edge)).then(() => cluster.allUp(20_000)).catch((err) => complaints.push(err.message));
    const to = await moved(cluster, own);
    facts = `${to.edge} after ${to.took}ms `;
    if (over) complaints.push("had read all before another edge delivered: nothing is shown");
  } catch (err) {
    complaints.push(err.message);
  }
  const got = await reading;
  if (got.says) complaints.push(got.says);
  const other = differs(want.streams, got.streams);
  if (other) complaints.push(other);
  await mended;
  const seen = ["0", "1"].map((s) => got.streams[s]?.length ?? 0);
  return line(name, `${kind} ${edge}`, complaints, `${facts}frames=${seen[0]}+${seen[1]}, the origin's`);
}

export async function readers(cluster) {
  const formats = ["hls", "dash"];
  const origin = cluster.file.nodes.find((n) => n.role === "origin");
  const wanted = await Promise.all(formats.map((f) => frames(origin.http + cluster.stream(false)[f], "ffmpeg", origins)));
  const lines = [];
  for (const [i, format] of formats.entries()) lines.push(await reader(cluster, { name: `ffmpeg ${format.toUpperCase()}`, entry: cluster.stream(false)[format], agent: `ffmpeg-${format}` }, wanted[i]));
  return lines;
}

// An entry of an origin that is not the cluster's, read over a kill: the frames have to be
// those of the files that it is made of. ffmpeg wants to be told that names say nothing.
export async function readAbroad(cluster, name, file, entry, agent) {
  const more = entry.includes(".mpd") ? [] : ["-allowed_extensions", "ALL", "-allowed_segment_extensions", "ALL", "-extension_picky", "0"];
  return reader(cluster, { name, entry, agent, kind: "kill", more }, await frames(file, "", origins));
}
