// Package api answers operators: the cluster's status, sessions, streams, events,
// the receipts of deaths, and their orders (drain, resume, remove, purge, ...).
// internal/wire/api.go lists the paths and the shapes, openapi.json describes them
// to programs.
//
// Always true:
//   - an order is answered when it is carried out, or with one line that says why
//     it is not; it is not taken from another site's page;
//   - every list has a bound, and what is kept of events and receipts has one too;
//   - who watches too slowly is cut off and holds nobody up.
//
// Guarded by: Events, Receipts, Audits and the status's text have a mutex each; none is
// held while something is sent.
//
// May be lost: this balancer's own events, what it counted in its last quarter of a
// second, and orders that wait to be told (some hundreds), with its process; the
// placement's, and what was told, are in Raft.
// Never done here: no viewer is answered, and no edge is chosen.
//
// Goroutines: Run brings the placement's events to those who watch, tells what this
// balancer counts, and what operators ask of it; sessions and purges ask the edges side by
// side, one goroutine each, ended before the answer.
package api
