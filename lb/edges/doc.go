// Package edges is what a balancer asks of edges beside viewers' requests: how they are,
// and to make ready what they are about to be given.
//
// Always true:
//   - all that are asked are asked at once, and no longer than a limit: who does not answer
//     keeps nobody else waiting, and what was to be done is done without it;
//   - an edge is told which sessions it will get, by the figures of now, before a change of
//     the placement by which a living edge gives them is proposed, and by nobody but who
//     proposes it.
//
// Guards: refreshing serializes Refresh.
//
// Never done here: choosing, changing the placement.
//
// Goroutines: one for each edge that is asked, which end before the call returns.
package edges
