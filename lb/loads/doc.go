// Package loads is what a balancer knows of the edges' load and of what they store
// (claims 2-4), and the choice of an edge by that.
//
// Always true:
//   - a report of an older incarnation, or one that came too late, changes nothing;
//   - an edge that is asked for a slot, or has given one, counts as having it until it
//     refuses, or a report shows it: whoever chooses next knows of it; but nobody is
//     refused a session for what is only asked for;
//   - an answer of an edge's former life counts nothing;
//   - the figures of a choice, and who stores the stream, are of the placement that it
//     is made by;
//   - what is kept of edges is bounded by the placement, and by what they can deliver.
//
// Guarded by: one mutex, which is not held while something is sent.
//
// May be lost: all of it; reports bring it anew.
// Never done here: asking an edge, changing the placement.
//
// The package starts no goroutine.
package loads
