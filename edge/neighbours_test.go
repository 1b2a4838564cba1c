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

// An edge that states no capacity has the one that the placement gives it, says so in its
// reports and does not register again because of it. One that states one does.
func TestWhoStatesNoCapacityHasWhatItIsGiven(t *testing.T) {
	for _, assumed := range []bool{true, false} {
		o := newOrigin(t)
		b, edges := startRingOf(t, 1, o, func(int) Config { return Config{Capacity: 1000, assumed: assumed} })
		give := func() {
			b.change(func(p *wire.Placement) *wire.Placement {
				p.Edges[0].Capacity = 8
				return ring.Form(p.Index())
			})
		}
		give()
		want := 8
		if !assumed {
			want = 1000 // it says again what it can
		}
		eventually(t, "reported", func() bool {
			p := edges[0].view.Placement()
			b.mu.Lock()
			defer b.mu.Unlock()
			return p.Version == b.placement.Version && p.Edges[0].Capacity == want && b.reports["edge-1"].Version == p.Version && b.reports["edge-1"].Capacity == want
		})
	}
}
