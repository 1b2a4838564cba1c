// Package budget bounds what one client may have and cause: connections (Limiter), and
// what it may do a minute, a token bucket for each, all of it at once if it likes (Rate).
// What the kernel holds for clients that take nothing is bounded in all (Held).
//
// Always true:
//   - a client is what wire.ClientOf says: an IPv4 address, or the /64 of an IPv6 one;
//   - what is remembered is bounded: of a few that are looked at, the one with most left
//     is forgotten, so that one at its limit seldom is;
//   - who holds least, and for the shortest time, is the last to go.
//
// Guarded by a mutex in each; no goroutines, and the clock is the caller's.
package budget
