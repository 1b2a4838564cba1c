package member

import "tandem/internal/wire"

// inheritance is a session that this edge has taken over, as it was at that moment.
type inheritance struct {
	pair       wire.PairID
	slot       int
	generation uint32
	stream     string
	seen       int64
	tracks     []wire.Track
}

func inherit(pair wire.PairID, slot int, s *session) inheritance {
	return inheritance{pair: pair, slot: slot, generation: s.generation, stream: s.stream, seen: s.seen, tracks: s.places()}
}
