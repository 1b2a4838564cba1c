// Package transport is Raft's network between balancers: TCP with a handshake by which both
// sides prove themselves, and requests that are tried again at an even pace.
//
// Always true:
//   - who does not prove that it belongs to the cluster gets not one byte of Raft's, and is
//     closed; so is a node of another era;
//   - who calls a node by its name reaches that one or nobody, wherever it has moved (nodes of
//     builds before names aside, which can't prove one);
//   - a follower that is there again, or can write again, has within a second what was
//     committed meanwhile; nothing that it answers parks the leader;
//   - no heartbeat of a leader that goes overtakes its word to lead at once (turns.go);
//   - handshakes that are under way are bounded;
//   - Cut and Close end, also when a peer hangs.
//
// Guarded by: streams.mu the connections, addresses.mu where others are, progress.mu what each
// follower holds, turns.mu that no heartbeat is taken beside the word to lead.
//
// May be lost: what was said to a node that does not answer; Raft says it again. Where others
// said that they are, when there are more of them than a cluster has balancers.
//
// Never done here: who is a member, who votes, what is in the log (raftfsm); what is encrypted
// and whose certificates count (internal/identity).
//
// Goroutines: one that accepts connections, one a connection while it shakes hands (at most
// 256), one that hands requests to Raft, and those of the library's own transport. Close ends
// them all.
package transport
