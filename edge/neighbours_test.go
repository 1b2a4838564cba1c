package edge

import (
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// TestBothNeighboursAreTold: an edge in the middle of a ring dies, and each of its
// neighbours delivers what it shared with it.
func TestBothNeighboursAreTold(t *testing.T) {
	b, edges := startRing(t, 3, newOrigin(t))
	previous, middle, next := edges[0], edges[1], edges[2]
	shared := map[*testEdge]wire.SessionID{}
	for pair, e := range map[wire.PairID]*testEdge{1: previous, 2: next} {
		id, reason := open(t, middle, pair, "/v/x/")
		if reason != "" {
			t.Fatal(reason)
		}
		shared[e] = id
	}
	eventually(t, "the previous one is told", func() bool { return previous.mirrored(1) == 1 })
	eventually(t, "the next one is told", func() bool { return next.mirrored(2) == 1 })
	middle.stop()
	b.state("edge-2", wire.EdgeDown, ring.AnchorCurrent)
	followed(t, b, previous, next)
	for e, id := range shared {
		if list, total := e.member.Sessions(10); total != 1 || list[0].SessionID != id || !list[0].Standin {
			t.Errorf("%s delivers %+v", e.cfg.Name, list)
		}
	}
}
