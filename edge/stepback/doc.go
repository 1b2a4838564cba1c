// Package stepback keeps sessions from being given an older version of a live manifest than
// they had, where it must not be kept (no-store, private): as several origins behind one name
// give out, one of them a segment behind. What is kept back of stored ones is edge/fetch's.
//
// Always true:
//   - of a manifest nothing is remembered but how far it went (media.Reach);
//   - who would go back waits at most two intervals of the manifest, while the origin is asked
//     again; then what the origin has is given;
//   - what is the news of a version is told once a pair, however many have it.
//
// Guards: Guard.mu. May be lost: any of it, and then one list may go back: at 50,000
// manifests, and what was given in the last moment before an edge died.
//
// The package starts no goroutine.
package stepback
