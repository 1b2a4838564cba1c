// Package proposals makes commands true, at whichever balancer leads.
//
// Always true:
//   - a command has the same ID at every attempt, and is carried out once;
//   - who is told that it is done finds it in this balancer's own placement;
//   - one stream is placed by one proposer at a time, and by one who has seen where it is;
//   - of two orders to edges at once the second one is judged by what the first one left.
//
// Guarded by: a lock for each stream that is being placed, and one for orders to edges.
//
// May be lost: nothing is kept here.
// Never done here: deciding what the cluster needs.
//
// The package starts no goroutine.
package proposals
