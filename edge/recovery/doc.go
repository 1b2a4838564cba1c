// Package recovery copies to an edge what it has to hold and lacks, from whoever has it:
// after a return, as it joins, when a neighbour leaves, and now and then (claims 14, 15,
// 28-31).
//
// Always true:
//   - a copy is verified by its digest, and what is here already, or newer, is left alone;
//   - the hottest comes first, at no more than the rate;
//   - the origin is asked for nothing;
//   - a neighbour's content is compared once a life of either, and again after Every.
//
// Guards: Copier.done is owned by who calls All.
//
// Never done here: saying that this edge is ready (edge/member, which looks at its tables
// too).
//
// Goroutines: All starts 8 at a time, and waits for them.
package recovery
