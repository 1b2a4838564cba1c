// Shaka Player. All but the buffer is as it comes: no patience of ours helps it.
export async function start(video, { url, buffer, live, fatal, error }) {
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  const settings = { streaming: { bufferingGoal: buffer } };
  // A live player can't hold more than lies between it and the live edge.
  if (live) settings.manifest = { defaultPresentationDelay: buffer + 2 };
  player.configure(settings);
  player.addEventListener("error", ({ detail: e }) => {
    (e.severity === shaka.util.Error.Severity.CRITICAL ? fatal : error)(`${e.category} ${e.code} ${e.message}`);
  });
  await player.attach(video);
  await player.load(url);
  await video.play();
  return `Shaka ${shaka.Player.version}`;
}
