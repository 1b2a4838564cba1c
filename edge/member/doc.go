// Package member is an edge's place in the ring: the session tables that it
// shares with its neighbours, the notices that keep them equal, following the
// placement, taking over and getting ready what is taken over, recovery.
//
// Always true:
//   - a position is the last segment written to the viewer in full;
//   - of two notices from one edge the one with the higher (incarnation,
//     sequence) wins;
//   - taking a session over twice is the same as taking it over once;
//   - a request that reaches an edge which does not deliver the session by the
//     tables is served all the same (truth 1);
//   - an edge says that it is ready only when it holds what it has to hold, content
//     and tables (figure 15).
//
// Guards: sessions.mu guards which tables there are, table.mu one table's
// entries.
//
// May be lost: one notice interval of positions.
// Never done here: deciding that an edge is dead (raftfsm), choosing an edge for
// a viewer (lb).
//
// Goroutines: Run starts follow (placement and registration), notices, reports,
// detect, expire, copying and warm, and returns when all have ended.
package member
