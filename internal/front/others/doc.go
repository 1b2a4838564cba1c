// Package others has a listener for the connections that speak TLS where internal/front
// reads requests in clear: those of nodes.
//
// Always true:
//   - there are few strangers among them: the one that came first ends for one more, and
//     none that a node was let through on;
//   - a stranger is told little, however much he asks for: none of it lies in the kernel for long;
//   - a client's place is given back once, when its connection has ended.
//
// Guarded by a mutex, and no goroutines: whoever serves the listener has them.
//
// Never done here: no byte is read, and nobody is let through (internal/rights).
package others
