// The control: a player that is cut off from everything for longer than its
// buffer holds has to be found out. If it is not, the other lines mean nothing.
import { setTimeout as sleep } from "node:timers/promises";
import { plays } from "./plays.mjs";
import { Seat } from "./seat.mjs";
import { line } from "./verdict.mjs";

const buffer = 4; // seconds
const cut = 9; // seconds

export async function control(cluster, pages, browser) {
  const seat = new Seat(plays[0], buffer);
  const complaints = [];
  let stall = 0;
  try {
    await seat.open(browser, pages, cluster.viewers + cluster.stream(false).hls);
    for (const end = Date.now() + 20_000; !(await seat.look())?.began;) {
      if (Date.now() > end) throw new Error("never played");
      await sleep(200);
    }
    await sleep(1000);
    await seat.context.setOffline(true);
    await sleep(cut * 1000);
    await seat.look();
    stall = seat.longest(false);
    if (stall < 1000) complaints.push(`a cut of ${cut} s was measured as ${stall} ms`);
    if (!seat.failed.length) complaints.push("no failed request was noticed");
  } catch (err) {
    complaints.push(err.message);
  }
  await seat.close();
  return [line("control", `${seat.name} cut off for ${cut} s`, complaints, `stall=${stall}ms failed=${seat.failed.length}: seen, as it has to be`)];
}
