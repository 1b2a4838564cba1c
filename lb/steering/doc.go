// Package steering lets players fetch from the edges themselves and tells them, again
// and again, from which: content steering of HLS and DASH, by the same placement that
// the balancer routes by. A player whose edge dies goes on at the other one of the
// pair, one whose balancer dies needs it for nothing but the MPD of a live stream, which
// it asks for where balancers are. Everybody else's bytes, and those of players that know no steering, are
// carried as ever.
//
// Always true:
//   - an entry offers both edges of the session's pair and the balancers, whoever is
//     alive; the list of now puts who can't serve last;
//   - an entry whose origin steers itself is given as it is;
//   - the list is never refused with 410 or 429, which end the steering of a session.
//
// The package starts no goroutine and keeps no state; an entry is held whole while it
// is steered, at most maxEntry bytes.
package steering
