// dash.js. All but the buffer is as it comes: no patience of ours helps it.
export async function start(video, { url, buffer, live, fatal, error }) {
  const player = dashjs.MediaPlayer().create();
  const streaming = { buffer: { bufferTimeDefault: buffer, bufferTimeAtTopQuality: buffer, bufferTimeAtTopQualityLongForm: buffer } };
  // A live player can't hold more than lies between it and the live edge.
  if (live) streaming.delay = { liveDelay: buffer + 2 };
  player.updateSettings({ streaming });
  // Every error event of dash.js is one that its own attempts did not mend.
  player.on(dashjs.MediaPlayer.events.ERROR, ({ error: e }) => fatal(`${e?.code ?? ""} ${e?.message ?? e}`));
  player.on(dashjs.MediaPlayer.events.PLAYBACK_ERROR, ({ error: e }) => fatal(`playback ${e?.code ?? ""} ${e?.message ?? ""}`));
  player.on(dashjs.MediaPlayer.events.FRAGMENT_LOADING_ABANDONED, ({ request }) => error(`abandoned ${request?.url ?? ""}`));
  player.initialize(video, url, true);
  return `dash.js ${player.getVersion()}`;
}
