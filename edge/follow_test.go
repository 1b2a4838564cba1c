package edge

import (
	"net/http"
	"sync/atomic"
	"testing"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// TestAnEdgeFollowsByWhatHasChanged: it takes in what it is told, and asks for the whole
// when that does not fit what it has.
func TestAnEdgeFollowsByWhatHasChanged(t *testing.T) {
	b, edges := startRing(t, 2, newOrigin(t))
	var deltas, wrong atomic.Int64
	tell := func(f func(after uint64, p *wire.Placement) *wire.PlacementDelta) {
		b.mu.Lock()
		b.delta = f
		b.mu.Unlock()
	}
	tell(func(after uint64, p *wire.Placement) *wire.PlacementDelta {
		place, ok := p.Streams.Get("/changed/")
		if !ok {
			return nil
		}
		deltas.Add(1)
		return &wire.PlacementDelta{From: after, To: p.Version, Admission: p.Admission, NextPair: p.NextPair, Streams: []wire.StreamPlace{place}}
	})
	b.place("/changed/", 1)
	followed(t, b, edges...)
	for _, e := range edges {
		p := e.view.Placement()
		if deltas.Load() == 0 || len(p.Stream("/changed/")) != 1 || len(p.Stream("/v/x/")) != 1 || len(p.Edges) != 2 {
			t.Fatalf("%d times told what has changed, there is %+v", deltas.Load(), p)
		}
	}
	tell(func(after uint64, p *wire.Placement) *wire.PlacementDelta {
		if after == 0 {
			return nil
		}
		wrong.Add(1)
		return &wire.PlacementDelta{From: after + 7, To: p.Version}
	})
	b.place("/whole/", 2)
	followed(t, b, edges...)
	for _, e := range edges {
		if p := e.view.Placement(); wrong.Load() == 0 || len(p.Stream("/whole/")) != 1 || len(p.Stream("/changed/")) != 1 {
			t.Fatalf("%d times told wrongly, there is %+v", wrong.Load(), p)
		}
	}
	// A delta that fits, of a balancer that has had another placement in that version.
	var elsewhere atomic.Int64
	tell(func(after uint64, p *wire.Placement) *wire.PlacementDelta {
		if after == 0 {
			return nil
		}
		elsewhere.Add(1)
		return &wire.PlacementDelta{From: after, To: p.Version, Admission: p.Admission, NextPair: p.NextPair, Digest: new(ring.Digester).Of(p)}
	})
	b.place("/elsewhere/", 2)
	followed(t, b, edges...)
	for _, e := range edges {
		if p := e.view.Placement(); elsewhere.Load() == 0 || len(p.Stream("/elsewhere/")) != 1 {
			t.Fatalf("%d times led elsewhere, there is %+v", elsewhere.Load(), p)
		}
	}
}

// The balancer that an edge follows answers, and tells nothing of what the others have:
// it is cut off from them, or is not theirs any more. The edge follows another one.
func TestAnEdgeLeavesABalancerThatLags(t *testing.T) {
	first, second := newBalancer(t), newBalancer(t)
	e := startEdge(t, Config{Name: "edge-1", Balancers: []string{first.URL, second.URL}, Origin: newOrigin(t).URL})
	eventually(t, "registered", func() bool { _, ok := e.view.Placement().Edge("edge-1"); return ok })
	followed(t, first, e)
	first.mu.Lock()
	second.mu.Lock()
	second.placement = ring.Copy(first.placement)
	second.mu.Unlock()
	first.mu.Unlock()
	second.place("/later/", 1)
	followed(t, second, e)
	if p := e.view.Placement(); len(p.Stream("/later/")) != 1 {
		t.Errorf("there is %+v", p)
	}
}

// answer tells what has changed since a version, where the test says so, or the whole.
func (b *testBalancer) answer(w http.ResponseWriter, r *http.Request, after uint64, p *wire.Placement) {
	b.mu.Lock()
	delta := b.delta
	b.mu.Unlock()
	if delta != nil && r.Header.Get("A-IM") == wire.DeltaPlacement {
		if d := delta(after, p); d != nil {
			call.Reply(w, http.StatusIMUsed, d)
			return
		}
	}
	call.Reply(w, http.StatusOK, p)
}
