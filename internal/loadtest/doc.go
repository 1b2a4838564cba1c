// Package loadtest is viewers by the hundred and faults by the way: paced players
// that check every byte (internal/player), and edges that are failed one after the
// other meanwhile.
//
// Always true:
//   - one edge is away at a time: each is back and up before the next one fails;
//   - what is away when the run ends is brought back all the same;
//   - a fault that could not be done is an error of the run, since it showed
//     nothing then.
//
// Never done here: printing (cmd/tandem).
//
// Goroutines: one a viewer and one that fails edges; Run returns when all have
// ended.
package loadtest
