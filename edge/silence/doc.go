// Package silence knows when each neighbour of an edge was last heard (claims 10, 11),
// for which the edge stands in by its own word, and whether the balancer that it follows
// tells it what the others have.
//
// Always true:
//   - who is listened for shares a pair with this edge and is not down;
//   - one silence is told at most once a limit;
//   - nobody is stood in for who answers a ping, nor while there is a majority of the
//     balancers to say that it is dead.
//
// Guards: Detector.mu, StandIns.mu, Lag.mu.
//
// Never done here: deciding that a silent neighbour is dead.
// It starts no goroutines.
package silence
