// Package guide does what docs/deploy.md says, word by word: every command of the
// guide runs on its host, in the guide's order. A host is a network namespace with
// its own files under /etc, /var/lib, /run and /usr/local/bin; in place of systemd
// there is a small manager that reads the same units, and runs them as the users that
// systemd would.
//
// Always true: what a reader of the guide would type is what runs here; a command
// that fails fails the test, with the host, the command and what it printed.
//
//	go test ./internal/systest/guide -v
//
// Goroutines: one for each command that runs; the test waits for all of them.
package guide
