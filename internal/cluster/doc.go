// Package cluster handles a running cluster from outside, as an operator with a
// shell would: it reads cluster.json, kills, stops and restarts its processes,
// asks the balancers for the status, and, for tests, starts a demo of its own
// and keeps the evidence of a failure.
//
// Always true:
//   - a signal goes only to a process whose command line is the node's own, so
//     a process id that was used again is left alone;
//   - cluster.json is replaced as a whole;
//   - what a Harness started is gone after its Close, and also when the process
//     that held it dies (the nodes hold a pipe to it).
//
// Goroutines: one a node that was restarted here, which waits for its end; a
// Harness adds one that waits for the demo.
package cluster
