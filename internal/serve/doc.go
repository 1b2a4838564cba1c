// Package serve is the life of a process: it opens its listening sockets, or is
// given them by systemd or by the process that it replaces; it serves on them; and
// it ends so that what is in flight ends first.
//
// Always true:
//   - only this package opens the listeners of a role; a role is given what comes
//     in on them;
//   - an error of listening names the setting and says what would be right;
//   - told to end (SIGTERM), a process says first that it is not ready (/readyz),
//     still lets everybody in for the lame-duck time, tells each client that its
//     connection ends (Connection: close, GOAWAY), hands over what its role has, and
//     only then closes its listeners, all at once; what is in flight has the drain
//     time; a second signal waits for nothing;
//   - a process that is replaced (SIGUSR2, --replace) lets go of nothing before the
//     newer one has checked what it can; from then on what comes waits in the kernel
//     until the newer one accepts; if that dies, the older one's own program takes
//     its place; the first process of a container, with which all others end, stays
//     until that one ends, and gives signals on to it;
//   - a reload is all or nothing.
//
// Guarded by: Sockets and successors have a mutex each; leaving and hurry may be
// read and called by anybody; the rest of Life is owned by Run.
//
// May be lost: connections in the kernel's queue when both the newer process and
// the older program fail.
//
// Goroutines: one a listener while its Part runs, which has ended when that
// returns; one that waits for the role's parts; one that leaves when the process is
// told to; one that talks to a process that is to replace this one, and one that
// waits for the end of one that was started here; one that waits for the end of the
// parent's pipe where there is one.
package serve
