// Package silence is how long an edge may be silent in a response that it gives to a
// balancer, and how long it was: the one rule for it, on loops and in goroutines.
//
// Always true:
//   - an edge is called silent after the limit that is set for what it is waited for, or
//     twice what it usually takes, but never after more than the most that is set;
//   - a silence in which the viewer took nothing is not the edge's;
//   - an edge is called slow by what it was waited for alone.
//
// Guarded by: Usual has a mutex; a Silence is its response's.
//
// Never done here: nothing is read, waited for, or asked of anybody else.
//
// The package starts no goroutine.
package silence
