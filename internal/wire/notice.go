package wire

// Notice is the notice of delivery state (figure 5, claims 10, 16-19): from an
// edge to another one that watches the same pair, at an interval. Slots and boundary
// are in the low member's view. It holds what changed since the sender's last one
// that was answered. One that covers slots holds all sessions of these that the
// sender delivers: what the receiver mirrors of them otherwise is gone. The covers of
// successive notices follow one another, from 0 to Slots, until the receiver has the
// whole of the sender's side.
type Notice struct {
	Edge        string
	Incarnation uint64
	Sequence    uint64
	Pair        PairID
	Boundary    int
	Version     uint64 // placement that the sender follows
	Slots       int    // of the table, as that placement says
	Covers      Run    // empty: nothing but changes
	Own         []Run  // slots that the sender delivers by that placement, where it covers any
	More        bool   // not all news had room: the next one goes on
	Whole       bool   // all who watch the pair have told the sender all that they know
	Changes     []Change
}

// Change is one slot's news. Gone: the slot is free again.
type Change struct {
	Slot       int
	Generation uint32
	Gone       bool
	Stream     string   // may be empty when the receiver has this generation already
	Viewer     string   // as Stream
	Opened     int64    // unix milliseconds, as Stream
	Token      Alias    // as Stream
	Seen       int64    // unix milliseconds
	Manifests  []string // keys of the playlists and MPDs that the session asked for, newest first; none: no news
	Tracks     []Track  // those that went on
}

// Alias is what a session's token says where that is not its slot: it was taken back
// when its own slot had been given away. The zero value: the token says the slot.
type Alias struct {
	Slot       int
	Generation uint32
}
