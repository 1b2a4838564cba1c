// Package control keeps the placement true: it finds out which edges are alive,
// proposes what has to become so, does the leader's tasks for the ring, and takes
// edges and balancers in.
//
// Always true:
//   - an edge is marked down only on the balancer's own evidence (a failed ping on
//     a new connection); a suspicion, whoever has it, only makes it ask;
//   - what edges say is routed by only while nobody can commit it, and only against
//     an edge that this balancer does not hear itself;
//   - the same command has the same ID at every attempt, so it is carried out once;
//   - what is kept of edges and balancers is bounded by the placement.
//
// Guarded by: HealthChecks, successors, peers and the placement's text have
// a mutex each; none is held while something is sent. tasks are owned by their
// goroutine. The placement is an immutable view.
//
// May be lost: what this balancer has heard, when it restarts.
// Never done here: no viewer is answered, and nobody waits for a commit to save a
// response in hand.
//
// Goroutines, all ended when Run returns: health checks start one a suspected edge,
// with two pings at most; watch follows the placement; liveness pings the other
// balancers, one goroutine each; stand-ins lays what edges say over the placement
// while nobody leads; tasks does what a leader does for the ring, and
// tells this balancer's address. Query asks the edges side by side, one goroutine
// each, and ends before its caller goes on.
package control
