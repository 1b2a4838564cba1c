package loads

import (
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// TestWhoWasRelievedIsChosen: an edge that has said that it is full has given some to its
// neighbour since, which had room and whose own pairs were full.
func TestWhoWasRelievedIsChosen(t *testing.T) {
	h := newHall(1, 8, 8, 8)
	l := h.balancers[0]
	report := func(edge string, sequence uint64, low, high int) { // in the pairs of which it is that member
		r := wire.Report{Edge: edge, Incarnation: 1, Sequence: sequence, Capacity: 8, Delivering: low + high}
		for _, q := range h.p.Pairs {
			switch edge {
			case q.Low:
				r.Pairs = append(r.Pairs, wire.PairLoad{Pair: q.ID, Boundary: q.Boundary, Delivering: low, Sessions: low, Taken: []wire.Run{{From: 0, To: low}}})
			case q.High:
				r.Pairs = append(r.Pairs, wire.PairLoad{Pair: q.ID, Boundary: q.Boundary, Delivering: high, Sessions: high, Taken: []wire.Run{{From: q.Slots - high, To: q.Slots}}})
			}
		}
		l.Take(r, h.now())
	}
	report("e1", 1, 2, 2) // the limit is 5
	report("e2", 1, 3, 2)
	report("e3", 1, 2, 3)
	way := l.Opening(ring.Rules{}, "/s/")
	way.Full(1)
	way.Full(3)
	way.Refused("e2")
	if c, _ := way.Choose(h.p, h.now()); c.Edge != "" {
		t.Fatalf("%+v: e1 has room, and its pairs are full", c)
	}
	r, ok := way.Relief(h.p, h.now())
	if want := (ring.Relief{Pair: 1, From: "e2", To: "e1", Most: 1}); !ok || r != want {
		t.Fatalf("%+v, want %+v", r, want)
	}
	q, _ := h.p.Pair(1)
	if to := r.Boundary(q, ring.TableOf(8, []wire.Run{{From: 0, To: 2}, {From: 6, To: 8}})); to != 7 {
		t.Fatalf("the boundary goes to %d", to)
	}
	report("e2", 2, 3, 1)
	report("e1", 2, 3, 2)
	way.Relieved("e2")
	if c, _ := way.Choose(h.p, h.now()); c.Edge != "e2" || c.Pair != 2 {
		t.Fatalf("%+v", c)
	}
}
