// Package certificate is the certificate of a listener with TLS that is no node's:
// of viewers, and of operators.
//
// Always true:
//   - its files are read anew when they change, without a restart;
//   - a broken new one changes nothing, and is looked at again.
//
// Guarded by: what is shown is an atomic pointer to a value that never changes; a
// mutex guards which files it was read from.
//
// Never done here: certificates of nodes (identity), issuing any.
//
// The package starts no goroutine; File.Run is a loop of its owner's.
package certificate
