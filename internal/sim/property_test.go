package sim

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// check walks what doc.go says of sessions and tables.
func check(t *rapid.T, c *tandem) {
	t.Helper()
	seated := 0
	delivering := map[string]int{}
	for i := range c.p.Pairs {
		q := &c.p.Pairs[i]
		table := c.tables[q.ID]
		here := 0
		for slot, id := range c.held[q.ID] {
			if (id != nobody) != table.Has(slot) {
				t.Fatalf("pair %d slot %d: session %d, taken %v", q.ID, slot, id, table.Has(slot))
			}
			if id == nobody {
				continue
			}
			here++
			if s := c.sessions[id]; s.pair != q.ID || int(s.slot) != slot || s.opened == 0 {
				t.Fatalf("pair %d slot %d holds %+v", q.ID, slot, s)
			}
			delivering[ring.Owner(c.p, q, slot)]++
		}
		if here != c.loads.Sum[q.ID] {
			t.Fatalf("pair %d: sum %d, there are %d", q.ID, c.loads.Sum[q.ID], here)
		}
		seated += here
	}
	if seated != c.sessionList.open || delivering[""] != 0 {
		t.Fatalf("%d seated, %d open, %d without an edge", seated, c.sessionList.open, delivering[""])
	}
	for _, e := range c.p.Edges {
		if n := delivering[e.Name]; n != c.loads.Delivering[e.Name] || n > e.Capacity {
			t.Fatalf("%s delivers %d of %d, counted %d", e.Name, n, e.Capacity, c.loads.Delivering[e.Name])
		}
	}
	if err := c.p.Check(); err != nil {
		t.Fatal(err)
	}
}

// surplus is what can't fit: a session that only living edges outside its pair
// have room for is given to them, so all living capacity counts. (Pairs with two
// living members always fit into these, as pair sums are at most capacities.)
func surplus(p *wire.Placement, sum map[wire.PairID]int) int {
	total, room := 0, 0
	for _, n := range sum {
		total += n
	}
	for _, e := range p.Edges {
		if ring.Delivers(e.State) {
			room += e.Capacity
		}
	}
	return max(total-room, 0)
}

// TestAnyFaultsKeepAllThatFits: n = 2..64 unequal edges filled to the very limit,
// deaths (several at once), returns, drains and churn by chance. After each,
// nobody is above capacity and what was lost is exactly what does not fit; one
// death of a whole ring loses nobody.
func TestAnyFaultsKeepAllThatFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Scenario{Admission: ring.FailSafeAdmission, Policy: Tandem, MaxStreams: maxStreams}
		if rapid.IntRange(0, 3).Draw(t, "pair admission") == 0 {
			s.Admission = ring.PairAdmission
		}
		n := rapid.OneOf(rapid.IntRange(2, 9), rapid.IntRange(2, 64)).Draw(t, "n")
		for i := range n {
			s.Edges = append(s.Edges, Member{Name: fmt.Sprintf("e%d", i+1), Capacity: rapid.IntRange(1, 40).Draw(t, "capacity")})
		}
		c := newTandem(s)
		streams := rapid.IntRange(1, 12).Draw(t, "streams")
		for _, most := range []int{n, 5 * n, 40 * n} {
			for i := range streams {
				c.open(fmt.Sprint("s", i), rapid.IntRange(0, most).Draw(t, "open"))
			}
		}
		if rapid.Bool().Draw(t, "to the limit") {
			for i := range streams {
				c.open(fmt.Sprint("s", i), 40*n)
			}
		}
		check(t, c)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			misfortune(t, c, s.Admission == ring.FailSafeAdmission)
			check(t, c)
		}
		for _, e := range c.p.Edges {
			if e.State == wire.EdgeDown {
				c.back(e.Name)
			}
		}
		check(t, c)
		for _, q := range c.p.Pairs {
			if s.Admission == ring.FailSafeAdmission && q.Boundary != q.Home && c.tables[q.ID].Below(q.Boundary) == c.tables[q.ID].Below(q.Home) {
				t.Fatalf("all are back and pair %d is not home: %+v", q.ID, q)
			}
		}
	})
}

// misfortune lets one thing happen by chance.
func misfortune(t *rapid.T, c *tandem, failSafe bool) {
	var up, down []string
	for _, e := range c.p.Edges {
		if ring.Delivers(e.State) {
			up = append(up, e.Name)
		} else {
			down = append(down, e.Name)
		}
	}
	c.count = Sessions{}
	switch what := rapid.IntRange(0, 4).Draw(t, "what"); {
	case what == 0 || len(up) == 0:
		c.open(rapid.SampledFrom(c.names).Draw(t, "stream"), rapid.IntRange(0, 50).Draw(t, "count"))
	case what == 1:
		c.close(rapid.SampledFrom(c.names).Draw(t, "stream"), rapid.IntRange(0, 50).Draw(t, "count"))
	case what == 2 && len(down) > 0:
		before := sums(c)
		c.back(rapid.SampledFrom(down).Draw(t, "back"))
		if want := surplus(c.p, before); c.count.Lost != want {
			t.Fatalf("a return lost %d, %d did not fit", c.count.Lost, want)
		}
	default:
		names := rapid.SliceOfNDistinct(rapid.SampledFrom(up), 1, min(3, len(up)), rapid.ID).Draw(t, "dead")
		before, within := sums(c), withinLimits(c)
		c.fail(names)
		want := surplus(c.p, before)
		if c.count.Lost != want {
			t.Fatalf("%v died: lost %d, %d did not fit", names, c.count.Lost, want)
		}
		if failSafe && len(names) == 1 && len(down) == 0 && within && want != 0 {
			t.Fatalf("one death of a whole ring lost %d", want)
		}
	}
}

// withinLimits tells whether every edge has at most its limit: one that was alone for a
// while was given all that it could deliver.
func withinLimits(c *tandem) bool {
	for _, e := range c.p.Edges {
		if c.loads.Delivering[e.Name] > c.loads.Limits[e.Name] {
			return false
		}
	}
	return true
}

// sums are the pair sums now, as a copy.
func sums(c *tandem) map[wire.PairID]int {
	all := make(map[wire.PairID]int, len(c.loads.Sum))
	for id, n := range c.loads.Sum {
		all[id] = n
	}
	return all
}

// TestRingChangesWithViewersLoseNobodyThatFits: joins and leavings by chance, a
// retiring pair or two included.
func TestRingChangesKeepEverySessionAccountedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Scenario{Admission: ring.FailSafeAdmission, Policy: Tandem, MaxStreams: maxStreams}
		for i := range rapid.IntRange(2, 6).Draw(t, "n") {
			s.Edges = append(s.Edges, Member{Name: fmt.Sprintf("e%d", i+1), Capacity: 20})
		}
		c := newTandem(s)
		for i := range 4 {
			c.open(fmt.Sprint("s", i), rapid.IntRange(0, 30).Draw(t, "open"))
		}
		for i := range rapid.IntRange(1, 8).Draw(t, "steps") {
			before := c.sessionList.open
			c.count = Sessions{}
			edge := rapid.SampledFrom(c.p.Edges).Draw(t, "edge")
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				c.join(Member{Name: fmt.Sprint("x", i), Capacity: 20}, edge.Name)
			case 1:
				if len(c.p.Edges) > 1 {
					c.leave(edge.Name)
				}
			case 2:
				if ring.Delivers(edge.State) {
					c.fail([]string{edge.Name})
				} else {
					c.back(edge.Name)
				}
			case 3:
				c.open("s1", 5)
				continue
			default:
				c.close("s1", 5)
				continue
			}
			if before != c.sessionList.open+c.count.Lost {
				t.Fatalf("%d were open, %d are, %d lost", before, c.sessionList.open, c.count.Lost)
			}
			check(t, c)
		}
	})
}
