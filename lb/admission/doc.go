// Package admission opens viewers' sessions at the edges (PATENT.md steps 1 to 3): it
// chooses one by what is known of the loads, places the stream where it has to be, asks
// the edge for a slot, and makes room where there is some.
//
// Always true:
//   - an edge has the last word on who it takes, for the rest of an opening;
//   - nobody is refused by figures of a moment ago, nor while limits and pairs leave a
//     place, but for as many of the last places as there are balancers: who makes room
//     does not see what others move in the same moment;
//   - that a stream be placed on one more pair is waited for only by who has no place
//     without;
//   - a slot that was given has a viewer, or is given back.
//
// Guarded by: rooms lets one opening at a time move a pair's boundary; the others wait
// for it. One opening places a stream, those beside it choose again.
//
// May be lost: a slot whose edge can't be told that it is given back; it idles.
// Never done here: knowing viewers again, tokens (lb), what the edges have (lb/loads).
//
// Goroutines: one for each question to an edge, which ends with its answer, in 10 s at
// the latest, or, where nobody waits any more, when the slot is given back.
package admission
