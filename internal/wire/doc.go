// Package wire defines what crosses a process boundary inside a cluster and
// between a viewer and the cluster: identifiers, the session token, internal
// headers and paths, notices, reports and the placement view.
//
// Always true:
//   - every decoder is limited in size before it allocates, and is fuzzed;
//   - a value that was decoded is valid: whoever holds it need not check again;
//   - a view of the placement is immutable once it has been published.
//
// Never done here: deciding anything (internal/ring), sending anything
// (edge, lb), storing anything (raftfsm, segstore).
//
// The package starts no goroutine.
package wire
