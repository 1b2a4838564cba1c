// Package interim says what a request is told before its answer (RFC 9110 section 15.2): a
// node, that this edge is alive and waits for the origin (102); it and a viewer, what the
// origin says meanwhile, a 102 of its own to the viewer alone.
//
// Always true:
//   - nothing is said once the answer has begun;
//   - an interim answer has none of the answer's fields.
//
// Guards: Teller.mu, which guards the answer while it waits.
//
// The package starts a timer, and no goroutine.
package interim
