// Package ingest takes objects in by HTTP PUT, POST and DELETE, as packagers send
// them (DASH-IF ingest), and lets them be read while they come.
//
// Always true:
//   - an object takes its place by a rename at the end of its push: a push that
//     breaks off leaves what was there, and nothing else;
//   - who reads a push gets that version to its end, or an error (push.go); a
//     playlist is never read before it is whole;
//   - of two pushes of one name the one that began later wins;
//   - nothing is taken in, and no body read, without the credential of its
//     publishing point, or beyond its quota (point.go);
//   - what may be pushed over is never said to last;
//   - every push ends: when its body stands still, at the latest.
//
// Guards: Ingest.mu who takes which place, Push.mu how far a push has come,
// usage.mu what a publishing point holds. Known is called with Ingest.mu held.
//
// May be lost: a push that has not ended.
// Never done here: answering readers (origin), knowing edges.
//
// Goroutines: none of its own; Run belongs to its caller.
package ingest
