// An address that moves with the balancers, as keepalived moves it.
import net from "node:net";

// An address that leads to a balancer that lives. Connections to one that dies are reset.
//
// Nobody is there until `gap` milliseconds after lead() has named others.
export async function movingAddress(check) {
  let targets = [];
  let from = 0;
  const open = new Set();
  const server = net.createServer((viewer) => {
    open.add(viewer);
    viewer.on("close", () => open.delete(viewer)).on("error", () => {});
    const next = ([at, ...rest]) => {
      if (!at || Date.now() < from) return viewer.resetAndDestroy();
      const balancer = net.connect(Number(new URL(at).port), "127.0.0.1");
      balancer.once("connect", () => {
        balancer.removeAllListeners("error").on("error", () => viewer.resetAndDestroy()).on("close", () => viewer.destroy());
        viewer.on("close", () => balancer.destroy());
        viewer.pipe(balancer).pipe(viewer);
      }).once("error", () => next(rest));
    };
    next(targets);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  check.closing(async () => { for (const viewer of open) viewer.destroy(); server.close(); });
  return { url: `http://127.0.0.1:${server.address().port}`, lead: (viewers, gap = 0) => { targets = viewers; from = Date.now() + gap; } };
}
