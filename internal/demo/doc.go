// Package demo is a whole cluster of real processes on this machine: it decides
// every address and command line, starts the nodes, waits until they are ready,
// brings dead ones back if asked, and ends them all.
//
// Always true:
//   - cluster.json is written when everything is ready, not before, and says how
//     each node was started: running its args again is the machine coming back;
//   - nothing that was started outlives Close, nor the process that called Open:
//     the nodes hold a pipe to it;
//   - a node that is killed stays dead, unless Config says otherwise;
//   - a demo opens no session and puts nothing into a store;
//   - an origin that the user has is no node: it is not started, asked or ended.
//
// Never done here: telling people (cmd/tandem), failing nodes (internal/cluster).
//
// Goroutines: one a node, which waits for its end; with fault proxies one that
// serves their orders, and those of internal/fault. Close returns when all have
// ended.
package demo
