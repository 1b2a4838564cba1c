// Package lb is the balancer: it admits viewers, picks the edge, carries the
// bytes, finishes broken responses from the partner, keeps the placement true
// (it proposes deaths and returns) and answers the operators' API.
//
// Always true:
//   - a response that was begun is finished byte for byte from whoever holds the
//     same strong version, or the viewer's connection is broken visibly;
//   - a balancer never waits for a commit to save the response in its hand;
//   - a death is proposed only on the balancer's own evidence (a failed ping);
//   - a stream is placed only after an edge has found its entry at the origin,
//     so paths that don't exist change nothing;
//   - all that a client can make grow is bounded: connections, recognised
//     viewers, the history, header and body sizes, label values.
//
// Guarded by: each noun has its own mutex (loads, suspects, known, hub, guard);
// none is held while something is sent. The placement is an immutable view.
//
// May be lost: nothing; sessions are the edges', the placement is Raft's. Who
// re-asks an entry is recognised by this balancer's memory only: after its
// restart such a viewer gets a second session, and the first one ends by idling.
// Never done here: the disk is not touched (raftfsm has its own directory).
//
// Who carries the bytes is lb/proxy.
//
// Goroutines, all ended when Run returns:
//   - those of lb/proxy: connections to edges, takeovers in progress;
//   - suspects.run starts checks: one goroutine an edge under suspicion, with
//     two pings at most;
//   - watch drops connections to edges that were declared dead;
//   - pump brings Raft's events to the hub;
//   - chores does what a leader does for the ring, and tells this balancer's
//     address; alive pings the other balancers, one goroutine each;
//   - guard.run aborts connections that take bytes too slowly;
//   - certificate.run reads the certificate files anew when they change;
//   - query and purge ask the edges side by side, one goroutine each, and end
//     before their request does.
package lb
