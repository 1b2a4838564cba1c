// Package raftfsm is one replica of the placement among the balancers: a Raft node, and what
// it shows of the state that raftfsm/placement keeps. With raftfsm/transport, its network, it
// is all that knows hashicorp/raft.
//
// Always true:
//   - what is answered to Propose without an error is in this node's placement, and on the
//     disks of a majority;
//   - a replica that had another placement than the leader, by its build's arithmetic, knows
//     by the next command; when it asks, all are given the leader's (renew.go);
//   - a node with an empty disk votes only when it has proved that it holds what the others
//     hold, or is one of the first (hold.go); one of before a recovery is heard by nobody
//     (era.go);
//   - a term that the disk does not take is not gone on from;
//   - Close ends, also when a peer or the disk hangs;
//   - a *wire.Placement that Placement returned is never changed;
//   - keys, authorities and tickets are in Keys, Authority and Ticket, in the log, in
//     snapshots and in backups, and nowhere else: no event, result or line holds them.
//
// Guarded by: the state belongs to Raft's goroutine that applies; others see it by shown.now,
// an atomic pointer to what never changes. shown.mu guards the subscribers, leadership.mu the
// channel of leader changes, disk.mu how writing went, renewal that nothing is proposed while
// the whole state is given out.
//
// May be lost: a command whose proposer heard no answer (ErrUnsure: it may still
// become true; propose it again with the same ID); events for a subscriber that
// reads too slowly; events inside a snapshot that a late node was sent (History
// has them). What was answered is on the disks of a majority. A node that
// lost its disk has forgotten its votes, and counts for nothing until the leader has
// taken it in anew (hold.go); up to 250 ms of what it knew to be committed, for one
// that is opened where nobody leads (last.go).
//
// Never done here: what a command does (placement), HTTP, forwarding to the leader (lb),
// judging whether an edge is dead (lb, edge).
//
// Goroutines: those of hashicorp/raft and of the transport; per node one that watches who
// leads and one that writes down what was applied; one a Propose, Barrier, Join or Leave until
// Raft has answered. Close ends them all.
package raftfsm
