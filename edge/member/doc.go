// Package member is an edge's place in the ring: the session tables that it
// shares with its neighbours, the notices that keep them equal, following the
// placement, taking over and getting ready what is taken over, recovery.
//
// Always true:
//   - a position is the last segment written to the viewer in full;
//   - of two notices from one edge the one with the higher (incarnation,
//     sequence) wins;
//   - an entry is dropped by who delivers its slot, and by nobody else: when its
//     viewer asks for nothing any more, ends it, or has no room; others drop it when
//     that one says so, or tells its side whole without it;
//   - a table says the same at two edges that follow the same placement once each has
//     told the other; what one tells by a placement that the other does not follow yet
//     is told again;
//   - who delivers a slot has the last word on who is in it; of two entries of the
//     very same session the older opening and the newer positions are true;
//   - what is to be told to a watcher of a table is kept for that watcher until it has
//     said that it has it;
//   - three edges that stay hold a table where there are three, before and after whatever is
//     committed but a death: one that nobody needs yet is waited for by nobody; it goes on holding it while its members are dead, and tells
//     those to whom their slots are given; a session that nobody is given within 5 s has ended;
//   - taking a session over twice is the same as taking it over once;
//   - a request that reaches an edge which does not deliver the session by the
//     tables is served all the same (truth 1);
//   - it stands in for a neighbour by its own word only where nobody can commit a
//     death, and until somebody can, or the neighbour is heard;
//   - an edge says that it is ready only when it holds what it has to hold, content
//     and tables (figure 15).
//
// Guards: tables.mu guards which tables there are, table.mu one table's entries and
// what its watchers know.
//
// May be lost: one notice interval of positions, two where a notice is lost. A table of
// which three that hold it die before others were told it.
// Never done here: deciding that an edge is dead (raftfsm), choosing an edge for
// a viewer (lb).
//
// Goroutines: Run starts follow (placement and registration), notices, reports,
// detect, standin (a child a silent neighbour), expire,
// copying, prefetch, foresight, positions and renewals (a child an MPD), and returns when all have ended.
package member
