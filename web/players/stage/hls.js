// hls.js. All but the buffer is as it comes: no patience of ours helps it.
export async function start(video, { url, buffer, live, fatal, error }) {
  const settings = { maxBufferLength: buffer, maxMaxBufferLength: buffer };
  // A live player can't hold more than lies between it and the live edge.
  if (live) Object.assign(settings, { liveSyncDuration: buffer + 2, liveMaxLatencyDuration: buffer + 14 });
  const hls = new Hls(settings);
  hls.on(Hls.Events.ERROR, (_, e) => (e.fatal ? fatal : error)(`${e.type} ${e.details} ${e.response?.code ?? ""} ${e.error?.message ?? ""}`));
  hls.loadSource(url);
  hls.attachMedia(video);
  await new Promise((done) => hls.once(Hls.Events.MANIFEST_PARSED, done));
  await video.play();
  return `hls.js ${Hls.version}`;
}
