// Package ring is the arithmetic of the cluster: pairs, slots, mirrors,
// boundaries, limits, who takes over what, overflow, restoring and membership.
// It is the one definition that edge, lb, raftfsm and the simulator share.
//
// Always true:
//   - slot I of the low member is slot MAX-1-I of the high member, boundary F is
//     MAX-F (claims 24, 25);
//   - a slot below the boundary is the low member's, one above the high member's;
//   - who delivers a slot is among the pair's Watchers, and so is who will deliver it
//     after a member has left or a new one has joined: tables are handed over before
//     the commit that needs them;
//   - under admission failsafe one death leaves nobody above capacity;
//   - Choose, Room and Relieve find a place for a viewer as long as limits and pairs
//     leave one, whoever was given which before;
//   - Settle finds an edge for as many sessions as all living capacity holds, leads
//     none to an edge outside its pair that a member could have, and ends: each path of
//     its flow carries at least one session out of the source;
//   - what Settle counts on an edge grants (Grants).
//
// Why a solution always exists under admission failsafe: the survivors of one
// death form a path, each link of it is a table that can be split anywhere
// between its two members, and the links' load is at most the survivors'
// capacity together; excess can always travel on to the next member, since the
// pair sum it finds there is at most the smaller capacity of the two.
//
// Holes. The low member allots its lowest free slot and the high member its
// highest, so free slots gather around the boundary; sessions that end leave
// holes further out. Counts are therefore taken from the occupied slots, never
// from the boundary's distance: a boundary is put between two occupied slots so
// that the wanted number lies below it. A boundary that moves for room goes to
// the nearest free slot, past occupied ones if it must: sessions that change
// sides by it are fine, since both members hold the stream.
//
// Pure: no clock, no randomness, no network, no logger, and no map is ranged
// over unsorted, so that the same input gives the same answer on every node.
//
// The package starts no goroutine.
package ring
