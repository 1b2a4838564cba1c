// Package systest holds the promises that only real processes can show, a story
// a file. Each test runs the real binary, mostly as `tandem demo` (in network
// namespaces where multicast is the point), with viewers that compare every byte,
// and kills with SIGKILL.
//
// Always true: a test asserts counts, bytes and states, never how fast something
// was; how long it took is logged. When a test fails, the whole directory of its
// cluster is kept and its path is printed ($TANDEM_EVIDENCE moves it).
//
//	go test ./internal/systest -run TestEachEdgeKilled -v
//
// Goroutines: those of the viewers; each test waits for all of them.
package systest
