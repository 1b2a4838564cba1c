// Package edge delivers media from its segment store, keeps with each ring
// neighbour a table of who is at which segment, and delivers the neighbour's
// sessions when the placement says that the neighbour is gone.
//
// Always true:
//   - a position is the last segment written to the viewer in full;
//   - of two notices from one edge the one with the higher (incarnation,
//     sequence) wins;
//   - taking a session over twice is the same as taking it over once;
//   - a request that reaches an edge which does not deliver the session by the
//     tables is served all the same (truth 1);
//   - a body is complete and of the announced length, or the connection breaks
//     (truth 4); it never mixes two versions;
//   - no viewer is given a live playlist that the partner does not hold, as long
//     as the partner answers within the limit (truth 5);
//   - the origin is asked once per object per pair: ring.Filler names who asks
//     (truth 7); a request that comes from a peer never goes to a peer again,
//     but for a range that was lost in datagrams, out of a complete copy;
//   - what comes in datagrams is authenticated, bounded, stored only for streams
//     of this edge's pairs, and only with the digest that the origin named
//     (claim 6);
//   - of an object both members of a pair say the same, validator and other fields
//     included;
//   - what an answer says is judged in one place (rules.Of), what a request gets for
//     an object in one (edge/rules, head), on a loop and in a goroutine alike;
//   - nobody is given an answer that is for another one alone: what may not be
//     stored goes to the request that fetched it, and who joined asks for itself.
//
// Without balancers an edge is a plain caching reverse proxy with the same store
// and the same rules, and no sessions; then the viewer's own fields go along to
// the origin, Vary is followed, and other methods than GET and HEAD go through.
//
// Hits are answered on the loops of internal/front (quick), all else in goroutines
// (serve); rules.PlanFor and head make the answer for both.
//
// Guards: sessions.mu guards which tables there are, table.mu one table's
// entries; the placement is an atomic pointer to a value that never changes.
//
// May be lost: one notice interval of positions.
// Never done here: deciding that an edge is dead (raftfsm), choosing an edge for
// a viewer (lb), touching files (segstore).
//
// Goroutines: Run starts follow (placement and registration), notices, reports,
// detect, expire, copying, hints, copies, warm and, with a group, multicast (a
// child an object), and returns when all have ended. A fill runs in a goroutine
// of the store.
package edge
