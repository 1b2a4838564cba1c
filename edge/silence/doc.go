// Package silence knows when each neighbour of an edge was last heard (claims 10, 11).
//
// Always true:
//   - who is listened for shares a pair with this edge and is not down;
//   - one silence is told at most once a limit.
//
// Guards: Detector.mu.
//
// Never done here: deciding that a silent neighbour is dead.
// It starts no goroutines.
package silence
