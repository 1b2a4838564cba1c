// hls.js. All but the buffer is as it comes: no patience of ours helps it.
export async function start(video, { url, buffer, live, low, fatal, error }) {
  const settings = low ? { lowLatencyMode: true } : { maxBufferLength: buffer, maxMaxBufferLength: buffer };
  // A live player can't hold more than lies between it and the live edge.
  if (live && !low) Object.assign(settings, { liveSyncDuration: buffer + 2, liveMaxLatencyDuration: buffer + 14 });
  const hls = new Hls(settings);
  hls.on(Hls.Events.ERROR, (_, e) => (e.fatal ? fatal : error)(`${e.type} ${e.details} ${e.response?.code ?? ""} ${e.error?.message ?? ""}`));
  hls.loadSource(url);
  hls.attachMedia(video);
  await new Promise((done) => hls.once(Hls.Events.MANIFEST_PARSED, done));
  await video.play();
  return low ? `hls.js ${Hls.version} in low latency: ${hls.config.lowLatencyMode && hls.latestLevelDetails?.partTarget} s parts` : `hls.js ${Hls.version}`;
}
