// Package prefetch makes the next segments of every track of sessions that were taken
// over ready in memory, before their viewers ask for them.
//
// The deadline of a takeover is the time until the last segment delivered finishes
// playing at the viewer (claims 10, 11): what has the earliest deadline is got first.
// What a live manifest does not list yet is waited for.
//
// Always true:
//   - of one object there is one Job at a time, however many sessions want it, with the
//     earliest of their deadlines;
//   - Ready is said of what was in memory when it was said, and of nothing else;
//   - what becomes of the first request in each track of an inherited session is counted
//     once a takeover, by its cause where it was not ready;
//   - a manifest is asked for anew only while somebody waits for what it does not list, or, once,
//     where that may be so soon, and at most twice a second; but for the first time after a takeover
//     only where it is no longer fresh.
//
// Guards: Prefetcher.mu guards the jobs and the queue.
//
// Never done here: knowing sessions (the caller's Expect does), fetching (its Load).
//
// Goroutines: Run starts 8 workers and returns when they have ended.
package prefetch
