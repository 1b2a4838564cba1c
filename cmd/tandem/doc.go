// Command tandem is every part of the cluster and every tool of its operators
// in one binary; the first argument says which. A file is a command: it parses,
// builds, runs and prints, and what it runs is in the rooms.
//
// Always true:
//   - exit code 0: done; 1: failed; 2: used wrongly (an unknown command or flag,
//     a value out of its bounds);
//   - an error is one line on standard error, "tandem: ...", logged nowhere else;
//   - a role stops from the outside in: its listeners first, then its loops
//     (internal/serve).
//
// Goroutines: those of internal/run's group (one a listener, one for the role's
// loops), one that waits for the end of the parent's pipe where there is one.
package main
