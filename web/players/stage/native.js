// The browser's own HLS: its buffer is its own affair.
export async function start(video, { url }) {
  if (!video.canPlayType("application/vnd.apple.mpegurl")) throw new Error("this browser has no HLS of its own");
  video.src = url;
  await video.play();
  return "the browser's own HLS";
}
