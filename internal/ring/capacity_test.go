package ring

import (
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/wire"
)

// TestATableThatFollowsCapacityMovesNobody: down as well as up, whatever the ring is in.
func TestATableThatFollowsCapacityMovesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, loads := cramped(t)
		after := Fit(p, loads, 1)
		if err := after.Check(); err != nil {
			t.Fatal(err)
		}
		if n := Moved(p, after, loads); n != 0 {
			t.Fatalf("%d sessions have another edge: %+v, then %+v", n, p.Pairs, after.Pairs)
		}
	})
}

// TestBothMembersHaveASideOfATableThatShrank: by a boundary that stayed where it was, at
// half of what the table had been, the high member could seat nobody.
func TestBothMembersHaveASideOfATableThatShrank(t *testing.T) {
	p := ringOf(FailSafeAdmission, 8, 8, 8)
	sized := func(capacity int, loads ...Load) wire.Pair {
		for i := range p.Edges {
			p.Edges[i].Capacity = capacity
		}
		p = Fit(p.Index(), loads, 1)
		return p.Pairs[0]
	}
	for _, c := range []struct {
		capacity              int
		taken                 []wire.Run
		slots, boundary, home int
	}{
		{4, []wire.Run{{From: 0, To: 2}}, 4, 2, 2},
		{8, []wire.Run{{From: 0, To: 3}}, 8, 2, 2}, // slot 2 is the high member's, and stays so
		{8, nil, 8, 2, 2},
		{4, []wire.Run{{From: 0, To: 1}}, 4, 2, 2},
		{8, nil, 8, 4, 4},
	} {
		q := sized(c.capacity, Load{Pair: 1, Taken: c.taken})
		if q.Slots != c.slots || q.Boundary != c.boundary || q.Home != c.home {
			t.Errorf("capacity %d, %v taken: %+v", c.capacity, c.taken, q)
		}
	}
	p = setState(p, "e2", wire.EdgeDown)
	p = Settle(p, []Load{{Pair: 1}}, AnchorCurrent).ApplyTo(p)
	if q := sized(4, Load{Pair: 1}); q.Slots != 4 || q.Boundary != 4 || q.Home != 2 {
		t.Errorf("the high member is dead: %+v", q)
	}
}

// TestOnlyABoundaryThatIsAtHomeIsMovedForAViewer: what is to go back to a member that is
// missing, or was given away, stays where it is.
func TestOnlyABoundaryThatIsAtHomeIsMovedForAViewer(t *testing.T) {
	for what, change := range map[string]func(p *wire.Placement, q *wire.Pair){
		"":                    func(*wire.Placement, *wire.Pair) {},
		"away from home":      func(_ *wire.Placement, q *wire.Pair) { q.Boundary++ },
		"some is given away":  func(_ *wire.Placement, q *wire.Pair) { q.Adopted = []wire.Adoption{{Edge: "e3", From: 0, To: 1}} },
		"retiring":            func(_ *wire.Placement, q *wire.Pair) { q.Retiring = true },
		"a member is drained": func(p *wire.Placement, _ *wire.Pair) { p.Edges[1].State = wire.EdgeDraining },
	} {
		p := ringOf(FailSafeAdmission, 8, 8, 8)
		change(p, &p.Pairs[0])
		if got := movable(p.Index(), &p.Pairs[0]); got != (what == "") {
			t.Errorf("%q: movable %t", what, got)
		}
	}
}

// TestWhatRetiresCountsInThePairOfTheSameMembers: it leads to the same neighbour when one
// dies, so a pair is full with it.
func TestWhatRetiresCountsInThePairOfTheSameMembers(t *testing.T) {
	p := Leave(ringOf(PairAdmission, 8, 8, 8, 8), "e2") // pairs 1 and 2 are those of e1 and e3
	p.Streams = onPairs(1)
	f := Figures{Delivering: map[string]int{"e4": 7}, Sum: map[wire.PairID]int{1: 5, 2: 2}, Limits: LimitsOf(p.Index())}
	want(t, Choose(p, f, "/s/"), Choice{Edge: "e1", Pair: 1})
	f.Sum[2] = 3
	want(t, Choose(p, f, "/s/"), Choice{Edge: "e3", Pair: 3, Place: true})
}

// TestNothingGoesBackToOneThatHasLeft: where a dead member is taken out, home is where its
// successor finds the boundary.
func TestNothingGoesBackToOneThatHasLeft(t *testing.T) {
	p := setState(ringOf(FailSafeAdmission, 8, 8, 8, 8), "e2", wire.EdgeDown)
	p = Settle(p, []Load{fill(p, 1, 2, 2), fill(p, 2, 2, 2)}, AnchorCurrent).ApplyTo(p)
	p = Leave(p, "e2")
	for _, q := range p.Pairs {
		if q.Home != q.Boundary {
			t.Errorf("%+v", q)
		}
	}
}
