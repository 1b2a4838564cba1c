// Package house is the house's rules as tests: which room may import which, in
// which files third-party packages may stand, how long files and functions may
// be, that every package begins with its doc.go, that every log event has its row in
// internal/obs/events*.go. It holds no code for others.
//
// Always true: an exception is a row with a reason; a row that is no longer
// needed fails the test, so the lists do not rot.
//
// The package starts no goroutine.
package house
