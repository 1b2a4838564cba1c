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
