package member

import (
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// TestAChangeOfWhoDeliversAsksForTablesAnew: by what was told before it nobody says that it is
// ready; one that moves nothing asks for nothing (claims 30, 36).
func TestAChangeOfWhoDeliversAsksForTablesAnew(t *testing.T) {
	r := newTrio(t, 8)
	all := []string{"e1", "e2", "e3"}
	for range 3 {
		r.around(all...)
	}
	whole := func(want bool, when string) {
		t.Helper()
		if r.of("e1").complete() != want {
			t.Errorf("%s: whole %v", when, !want)
		}
	}
	whole(true, "all have told it")
	for when, change := range map[string]func(p *wire.Placement){
		"another boundary": func(p *wire.Placement) { p.Pairs[0].Boundary-- },
		"a new life":       func(p *wire.Placement) { p.Edges[1].Incarnation++ },
	} {
		r.change(func(*wire.Placement) {})
		r.follow(all...)
		whole(true, "nothing has moved")
		r.change(change)
		r.follow(all...)
		whole(false, when)
		for range 3 {
			r.around(all...)
		}
		whole(true, when+", and all have told it")
	}
}

// TestATableHasAsManySlotsAsItsPlacementSays (claim 18).
func TestATableHasAsManySlotsAsItsPlacementSays(t *testing.T) {
	r := newTrio(t, 8)
	for _, capacity := range []int{4, 8} {
		r.change(func(p *wire.Placement) {
			for i := range p.Edges {
				p.Edges[i].Capacity = capacity
			}
			p.Pairs = ring.Fit(p, []ring.Load{{Pair: 1}, {Pair: 2}, {Pair: 3}}, p.Version).Pairs
		})
		r.follow("e1", "e2", "e3")
		for _, edge := range []string{"e1", "e2", "e3"} {
			if n := r.of(edge).slots.Slots(); n != capacity {
				t.Errorf("%s: %d slots, want %d", edge, n, capacity)
			}
		}
	}
}

// TestOnlyWhatAnotherDeliveredIsTakenOver, once (claims 17, 33).
func TestOnlyWhatAnotherDeliveredIsTakenOver(t *testing.T) {
	r := newTrio(t, 8)
	ids := map[string]wire.SessionID{"e1": r.open("e1", 10), "e2": r.open("e2", 10)}
	r.around("e1", "e2", "e3")
	r.around("e1", "e2", "e3")
	for _, boundary := range []int{4, 0, 0, 4} {
		before := r.placement.Pairs[0].Boundary
		r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = boundary })
		for _, edge := range []string{"e1", "e2", "e3"} {
			taken := r.tables[edge].follow(r.placement, 20)
			switch {
			case edge == "e2" && before > boundary, edge == "e1" && before < boundary:
				if len(taken) != 1 || taken[0].SessionID != ids["e1"] {
					t.Errorf("boundary %d: %s takes over %+v", boundary, edge, taken)
				}
			case len(taken) > 0:
				t.Errorf("boundary %d: %s takes over %+v", boundary, edge, taken)
			}
		}
	}
}

// TestASessionOfNobodyIsKeptForAWhile, from when its slot became nobody's.
func TestASessionOfNobodyIsKeptForAWhile(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 99_000)
	r.around("e1", "e2", "e3")
	r.around("e1", "e2", "e3")
	r.change(func(p *wire.Placement) { p.Edges[0].State, p.Edges[1].State = wire.EdgeDown, wire.EdgeDown })
	r.tables["e3"].follow(r.placement, 100_000)
	if r.tables["e3"].expire(100_000+lostAfter-1, 60_000, 60_000); r.has("e3", id) == nil {
		t.Error("gone before that")
	}
	if r.tables["e3"].expire(100_000+lostAfter, 60_000, 60_000); r.has("e3", id) != nil {
		t.Error("kept for ever")
	}
}
