// Package ring is the arithmetic of the cluster: pairs, slots, mirrors,
// boundaries, limits, who takes over what, overflow, restoring and membership.
// It is the one definition that edge, lb, raftfsm and the simulator share.
//
// Always true:
//   - slot I of the low member is slot MAX-1-I of the high member, boundary F is
//     MAX-F (claims 24, 25);
//   - a slot below the boundary is the low member's, one above the high member's;
//   - under admission failsafe one death leaves nobody above capacity.
//
// Pure: no clock, no randomness, no network, no logger, and no map is ranged
// over unsorted, so that the same input gives the same answer on every node.
//
// The package starts no goroutine.
package ring
