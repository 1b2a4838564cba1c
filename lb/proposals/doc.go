// Package proposals makes commands true, at whichever balancer leads.
//
// Always true:
//   - a command has the same ID at every attempt, and is carried out once;
//   - who is told that it is done finds it in this balancer's own placement;
//   - one stream is placed by one proposer at a time, and by one who has seen where it is.
//
// Guarded by: a lock for each stream that is being placed.
//
// May be lost: nothing is kept here.
// Never done here: deciding what the cluster needs.
//
// The package starts no goroutine.
package proposals
