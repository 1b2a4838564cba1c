// Package raftfsm is the replicated placement: commands, the pure state that
// they change, versioned and checksummed snapshots, and the Raft node that
// carries both. It is the only room that imports hashicorp/raft.
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
//   - a replica that had another placement than the leader, by its build's arithmetic, knows
//     by the next command; when it asks, all are given the leader's (renew.go);
//   - a follower that is there again, or can write again, has within a second
//     what was committed meanwhile; nothing that it answers parks the leader;
//   - Close ends, also when a peer or the disk hangs;
//   - a *wire.Placement that Placement returned is never changed;
//   - keys, authorities and tickets stand in the log, in snapshots and in Keys,
//     Authority and Ticket, and nowhere else: no placement, event, result or line
//     holds them;
//   - a key is made known before it seals, and a root is trusted before its
//     authority issues;
//   - what Since tells, applied to the version that it was asked from, is the present
//     placement;
//   - all is bounded: streams, edges, balancers, purges, history, receipts, changes,
//     remembered answers, the size of a command, pending handshakes.
//
// Guarded by: the state belongs to Raft's goroutine that applies; others see it
// by the view, an atomic pointer to what never changes. Node.mu guards the
// subscribers and the channel of leader changes, changes.mu what Since tells,
// renewal that nothing is proposed while the whole state is given out.
//
// May be lost: a command whose proposer heard no answer (ErrUnsure: it may still
// become true; propose it again with the same ID); events for a subscriber that
// reads too slowly; events inside a snapshot that a late node was sent (History
// has them). What was answered is on the disks of a majority. A node that
// lost its disk has forgotten its votes, and counts for nothing until the leader has
// taken it in anew (hold.go); up to 250 ms of what it knew to be committed, for one
// that is opened where nobody leads (last.go).
//
// Never done here: HTTP, forwarding to the leader (lb), judging whether an edge
// is dead (lb, edge), arithmetic on boundaries (internal/ring).
//
// Goroutines: those of hashicorp/raft; per node one that accepts connections,
// one a connection while it shakes hands (at most 64), and one that watches who
// leads; one a Propose, Barrier, Join or Leave until Raft has answered. Close
// ends them all.
package raftfsm
