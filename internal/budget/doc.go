// Package budget bounds what one client may cause: a token bucket for each, by the rate
// of a minute, all of it at once if it likes.
//
// Always true:
//   - a client is what wire.ClientOf says: an IPv4 address, or the /64 of an IPv6 one;
//   - what is remembered is bounded: of strangers those with most left are forgotten, never
//     one at its limit while there are others.
//
// Guarded by a mutex in each Rate; no goroutines, and the clock is the caller's.
package budget
