// Package segstore keeps HTTP objects (segments, playlists) for an edge: bounded
// in bytes, one fill a key with any number of readers while it fills, complete
// or absent after any crash, checksummed.
//
// There are few types: a Store has objects; a View reads one object, complete or
// growing; a Source fills one, into a Sink. Below it stand its files (segstore/files), what of
// them is certain (segstore/index, in the form of segstore/record), and the order in which
// objects leave (segstore/eviction).
//
// Always true:
//   - of one key at most one complete object and one fill are reachable; a fill
//     that nobody reads any more, or whose key was deleted, or that is transient,
//     stores nothing;
//   - a complete object's bytes never change, and have the size and the sha-256
//     of its Meta; a new version is a new object, and whoever reads the old one
//     keeps the old one;
//   - a copy that Open found is compared with its digest before it is given to the first
//     who asks for it (View.Proven); one of more than 16 MiB meanwhile;
//   - an object is in the index only after its body and its directory entry were
//     synced; a file that the index does not name is deleted by Open. So after
//     kill -9 or a power cut an object is complete or absent;
//   - reserved bytes never exceed the limit: room is made before a byte is
//     written, and never out of an object with an open view. A file that was
//     deleted while being read counts until its last view is closed;
//   - Streams counts what is there of each stream, however it came and went;
//   - nobody but the owner of the process reads the directory.
//
// Guards: a shard's mutex guards its maps, and the readers of its fills. Inside
// it may be taken: the committer's, a pool's, an object's, the streams' mutex; never two
// shards, and never a disk access under any of them. An object is held by
// counting (object.refs): one for the map, one for the fill, one for each view and
// for the committer while it syncs; the last to let go removes the body.
//
// May be lost: in a crash the objects, metadata and deletions of the last 20 ms
// (Durable waits for them); hits and times of use at every restart; all volatile
// objects at every restart.
//
// Never done here: judging freshness (the caller asks View.Fresh), speaking HTTP,
// knowing edges, pairs or sessions (Meta.Pairs is kept and added up, not understood).
//
// Goroutines: Open starts the committer, and files.Dir's Watch, which tries a disk that failed; Get, Refresh, Renew and Fill start one
// for each fill, which runs the Source, and Peek one for each large copy that it
// compares; Close cancels them and returns when all have ended. A Source must return when its context ends.
package segstore
