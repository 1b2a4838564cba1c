// Package node is what a balancer and an edge in one process add to both
// (paragraph 84): sessions that the tables give this process's edge are served
// from its store, without a hop.
//
// Always true:
//   - what the local edge refuses goes the balancer's way, which knows the others;
//   - a viewer's request reaches the edge without the fields that only nodes may
//     send, as it would through another balancer.
//
// The package starts no goroutine.
package node
