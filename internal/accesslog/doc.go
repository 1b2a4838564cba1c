// Package accesslog writes a line for each request of a viewer: JSON, with the fields
// that operators of media caches expect.
//
// Always true: without the setting nothing of this is in any request's way. A request
// is written when it is over, however it ended. Whole sessions are sampled: of a
// session every request is written or none, on every node alike. A token never stands
// in a line, since it opens the session; what viewers send is cut to a length. What
// can't be written is dropped and counted, and no viewer waits for it.
//
// A request that is to be written does not take the fast path: one that is answered
// on a loop costs a few microseconds more with the log than without.
//
// Goroutines: none but the caller of Run, which writes what has been gathered.
package accesslog
