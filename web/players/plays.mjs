// What is played: every player with every kind of stream that it can play. A
// round has one kind, stored or live.
export const plays = [
  { name: "hls.js vod", player: "hls", format: "hls", live: false, quick: true },
  { name: "dash.js vod", player: "dash", format: "dash", live: false },
  { name: "Shaka HLS vod", player: "shaka", format: "hls", live: false },
  { name: "Shaka DASH vod", player: "shaka", format: "dash", live: false },
  { name: "native HLS vod", player: "native", format: "hls", live: false, ownBuffer: true },
  { name: "hls.js live", player: "hls", format: "hls", live: true },
  { name: "dash.js live", player: "dash", format: "dash", live: true, quick: true },
  { name: "Shaka HLS live", player: "shaka", format: "hls", live: true },
  { name: "Shaka DASH live", player: "shaka", format: "dash", live: true },
];
