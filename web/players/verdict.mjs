// What a round has shown: a line a player and fault, and one for the whole.
const most = 250; // milliseconds that a picture may stand for want of content
const busy = 2000; // the same, where content is there: a machine that has no time to decode it is not the cluster's doing

// The longest stalls of a span, for want of content and with content at hand, and what is to be said of them.
export function stood(seat, from, to) {
  const [want, had] = [seat.longest(false, from, to), seat.longest(true, from, to)];
  const complaints = [];
  if (want > most) complaints.push(`stood for ${want} ms`);
  if (had > busy) complaints.push(`stood for ${had} ms, with content at hand`);
  return { complaints, facts: `stall=${want}ms busy=${had}ms` };
}

export function line(name, what, complaints, facts) {
  return { ok: complaints.length === 0, text: `${complaints.length ? "BAD" : "ok "} ${name} ${what} ${facts}${complaints.length ? `  <- ${complaints.join("; ")}` : ""}` };
}

// What a player asked for and got while an edge was away. What the page has fetched
// before comes from the browser's cache, with the head of then: an initialisation segment
// at the wrap of a live loop.
function fetched(seat, fault) {
  const known = new Set(seat.segments.filter((s) => s.at <= fault.struck).map((s) => s.path));
  return seat.segments.filter((s) => s.asked > fault.struck && s.at < fault.healed && !known.has(s.path));
}

// One fault of the edge that served this player: until the next fault.
function underFault(seat, fault) {
  const { complaints, facts } = stood(seat, fault.at, fault.until);
  const away = fetched(seat, fault);
  const survivors = away.filter((s) => s.edge && s.edge !== fault.edge);
  const failed = seat.during(seat.failed, fault.at, fault.until).length;
  const waiting = seat.last.waiting.filter((t) => t >= fault.at && t < fault.until).length;
  if (failed) complaints.push(`${failed} requests failed`);
  // What was fetched meanwhile is the proof; a buffer alone can hide an edge that is away.
  // The browser's own HLS has a buffer of its own liking, so one fault of them has to show it.
  if (!seat.hits.some((h) => (seat.play.ownBuffer || h === fault) && fetched(seat, h).length)) complaints.push("got nothing while the edge was away: nothing is shown");
  if (survivors.length !== away.length) complaints.push(`${away.length - survivors.length} objects came from nobody knows where`);
  return line(seat.name, `${fault.kind} ${fault.edge}`, complaints, `${facts} waiting=${waiting} segments=${survivors.length} failed=${failed}`);
}

// The whole playing, faults of others and returns of edges included.
function whole(seat, round) {
  const { last } = seat;
  const { live } = round.stream;
  const { complaints, facts } = stood(seat);
  const jumped = last.jumps.reduce((sum, j) => sum + Math.abs(j.seconds), 0);
  if (!last.began) complaints.push("never played");
  if (last.fatal.length) complaints.push(`fatal: ${last.fatal[0]}`);
  if (jumped > 0.5) complaints.push(`jumped over ${jumped.toFixed(1)} s`);
  if (seat.failed.length) complaints.push(`${seat.failed.length} requests failed, first: ${seat.failed[0].what}`);
  if (!live && !last.ended) complaints.push(`ends at ${last.time.toFixed(1)} of ${last.duration.toFixed(1)} s`);
  if (live && (last.ended || last.paused)) complaints.push("a live stream ended");
  for (const kind of round.kinds) if (!seat.hits.some((h) => h.kind === kind)) complaints.push(`no ${kind} hit its edge`);
  const more = `waiting=${last.waiting.length} errors=${last.errors.length} seen=${last.seen.toFixed(1)}s frames=${last.frames} dropped=${last.dropped} (${last.version})`;
  return line(seat.name, live ? "goes on" : "to the end", complaints, `${facts} ${more}`);
}

export function judge(round) {
  const lines = [];
  for (const seat of round.seats) {
    if (!seat.last) {
      lines.push(line(seat.name, "page", ["its page never answered"], ""));
      continue;
    }
    for (const fault of seat.hits) lines.push(underFault(seat, fault));
    lines.push(whole(seat, round));
  }
  for (const text of round.trouble) lines.push(line("the round", round.stream.stream, [text], ""));
  return lines;
}
