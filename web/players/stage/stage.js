// One player in one page: ?player=hls&url=...&buffer=4&live=1. What it saw is in
// window.stage, which the tests read.
import { Meter } from "/stage/meter.js";

const asked = new URLSearchParams(location.search);
const player = asked.get("player");
const video = document.getElementById("video");
const library = { hls: "/hls.js", dash: "/dash.js", shaka: "/shaka.js" }[player];

const notes = { fatal: [], errors: [], version: "" };
const meter = new Meter(video);
const play = {
  url: asked.get("url"),
  buffer: Number(asked.get("buffer")), // seconds
  live: asked.get("live") === "1",
  low: asked.get("low") === "1", // latency
  fatal: (text) => notes.fatal.push(`${new Date().toISOString()} ${text}`),
  error: (text) => notes.errors.push(`${new Date().toISOString()} ${text}`),
};

window.stage = {
  report: () => ({ ...notes, ...meter.report() }),
  seek: (seconds) => { meter.restart(); video.currentTime = seconds; },
};

video.addEventListener("error", () => play.fatal(`video: code ${video.error?.code} ${video.error?.message ?? ""}`));

function load(source) {
  return new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = source;
    script.onload = done;
    script.onerror = () => fail(new Error(`${source} can't be loaded`));
    document.head.append(script);
  });
}

try {
  if (library) await load(library);
  const { start } = await import(`/stage/${player}.js`);
  notes.version = await start(video, play);
  meter.run();
} catch (err) {
  play.fatal(err.stack ?? String(err));
}
