// Package sim is a virtual cluster: the ring, table and admission code of the
// real one (internal/ring and ring.Choose) on a virtual clock. It foretells what a
// failure does to every session before anybody pulls a plug.
//
// Always true:
//   - the same scenario gives the same lines, byte for byte: randomness comes from
//     the scenario's seed, time is a count of events, and no map is ranged over unsorted;
//   - a session is in exactly one slot of one table, and every taken slot has one;
//   - after each step no edge delivers more than its capacity (policy tandem);
//   - open(before) + opened - closed - lost = open(after).
//
// What is simplified: copies and commits take no time. A recovery is therefore one
// step (copied, up, boundaries home), a leaving as well (copied, out).
//
// Policy roundrobin is the document's baseline: viewers are dealt to the edges in
// turn, nothing is shared, and who was on an edge that dies starts again from the
// beginning. Such a session is counted as lost, although its viewer asks again.
//
// Never done here: files, sockets, clocks. The package starts no goroutine, and a
// Scenario that runs twice at once is only read.
package sim
