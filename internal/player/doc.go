// Package player is a player without a picture: it opens a playlist or an MPD
// as players do, fetches one rendition ahead of a virtual playhead, compares
// every segment's bytes with the origin's, and counts what a person in front
// of it would have seen. `tandem bench` and the system tests are made of it.
//
// Always true:
//   - a stall is time in which the playhead had nothing to play; what was
//     fetched late and still in time is none;
//   - a segment counts only when its body was complete; its SHA-256 is compared
//     with that of the same object fetched from the origin itself;
//   - a viewer has connections of its own, as a real one has;
//   - nothing is tried again more often than Retries says, and each failed try
//     is counted.
//
// Goroutines: Play runs in the caller's and starts none; a Digests fetches in the
// goroutine of the first viewer that asks for an object.
package player
