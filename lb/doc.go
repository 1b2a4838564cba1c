// Package lb is the balancer: it lets viewers in and routes their requests. Its rooms do
// the rest: lb/admission opens sessions, lb/proxy carries the bytes, lb/control keeps
// the placement true, lb/api answers operators. They know each other only by what New
// hands to them.
//
// Always true:
//   - a stream is placed only after an edge has found its entry at the origin,
//     so paths that don't exist change nothing;
//   - a viewer is routed by the placement, and an edge has the last word on who
//     it takes;
//   - a balancer never waits for a commit to save the response in its hand;
//   - all that a client can make grow is bounded: connections, recognised
//     viewers, header and body sizes, label values.
//
// Guarded by: each noun has its own mutex (clientTable, connLimiter); none is held while
// something is sent. The placement is an immutable view.
//
// May be lost: nothing; sessions are the edges', the placement is Raft's. Who
// re-asks an entry is recognised by this balancer's memory only: after its
// restart such a viewer gets a second session, and the first one ends by idling.
// Never done here: the disk is not touched (raftfsm has its own directory).
//
// Goroutines, all ended when Run returns: those of the rooms; connLimiter.run aborts
// connections that take bytes too slowly; certificate.File.Run reads the certificate
// files anew when they change, entrance.run the access rules.
package lb
