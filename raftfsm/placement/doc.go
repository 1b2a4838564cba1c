// Package placement is the state that the balancers replicate: commands, what each of them
// changes, versioned and checksummed snapshots of it, and what has changed since a version.
//
// Always true:
//   - State.Apply reads no clock, draws no random number and ranges over no map:
//     the same log gives the same bytes of snapshot on every node;
//   - every applied command sets the version to its log index; one that is
//     refused, stale or garbage changes nothing else and never panics;
//   - an older incarnation's message changes nothing;
//   - a command's ID is carried out once; the same ID again gets the first answer
//     (the last 1000 are remembered);
//   - whenever who delivers changes, boundaries are settled in the same command,
//     so between two commands every slot of a pair with one living member is
//     that member's;
//   - a member goes out of the ring by one way, whatever its state: marked (Removing)
//     by one command, and gone by another one that names a version which its successors
//     hold all of; in between, one that was up goes on delivering;
//   - nobody's limit falls by a join or a capacity that no operator has accepted;
//   - a restored snapshot equals the state that it was taken from;
//   - what a View points to is never changed;
//   - what Changes.Since tells, applied to the version that it was asked from, is the present
//     placement;
//   - keys, authorities and tickets stand in the log, in snapshots and in View.Keys,
//     Authority and Ticket, and nowhere else: no placement, event or result holds them;
//   - a key is made known before it seals, and a root is trusted before its
//     authority issues;
//   - all is bounded: streams, edges, balancers, purges, history, receipts, changes,
//     remembered answers, the size of a command.
//
// Guarded by: a State belongs to one goroutine (raftfsm: Raft's, which applies); a View may be
// read by all. Changes.mu guards what Since tells.
//
// May be lost: what is older than the bounds keep.
//
// Never done here: Raft, disks, clocks; arithmetic on boundaries (internal/ring); judging
// whether an edge is dead (lb, edge).
//
// Goroutines: none.
package placement
