// Package hints tells the other member of a pair what this edge fills, so that it copies it
// (claim 5), and how far live manifests go that viewers were given here and nobody may keep.
//
// Always true:
//   - whoever gives a hint waits for nobody;
//   - what is told at once is of one pair, and at most AtOnce of it.
//
// May be lost: a hint, where more wait than can be told; the next comparison of inventories,
// or the next version, makes up for it.
// Never done here: copying (edge/fetch).
//
// Goroutines: whoever calls Run.
package hints
