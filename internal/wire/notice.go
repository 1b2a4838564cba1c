package wire

// Notice is the notice of delivery state (figure 5, claims 10, 16-19): from an
// edge to one neighbour about one pair, at an interval. Slots and boundary are
// in the low member's view. A full notice holds every session of the sender's
// side, and replaces what the receiver mirrored of it; another one holds what
// changed since the sender's last one that was answered.
type Notice struct {
	Edge        string
	Incarnation uint64
	Sequence    uint64
	Pair        PairID
	Boundary    int
	Version     uint64 // placement that the sender follows
	Full        bool
	Changes     []Change
}

// Change is one slot's news. Gone: the slot is free again.
type Change struct {
	Slot       int
	Generation uint32
	Gone       bool
	Stream     string // may be empty when the receiver has this generation already
	Viewer     string // as Stream
	Opened     int64  // unix milliseconds, as Stream
	Seen       int64  // unix milliseconds
	Position   int64  // segment sequence number last delivered in full, -1: none
	Path       string // the object at Position, below Stream
}
