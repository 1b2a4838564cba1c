package ring

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/wire"
)

// cramped is a ring in any state, in which edges have less capacity than when their
// sessions came.
func cramped(t *rapid.T) (*wire.Placement, []Load) {
	p := unsettled(t)
	var loads []Load
	for _, q := range p.Pairs {
		table := NewTable(q.Slots)
		for slot := range q.Slots {
			if rapid.IntRange(0, 2).Draw(t, "taken") > 0 {
				table.Set(slot)
			}
		}
		loads = append(loads, Load{Pair: q.ID, Taken: table.Runs()})
	}
	for i := range p.Edges {
		p.Edges[i].Capacity = rapid.IntRange(1, max(p.Edges[i].Capacity, 2)).Draw(t, "capacity left")
	}
	return p.Index(), loads
}

// TestNobodyIsLostWhomAnOracleSeats: what Settle finds no edge for is what a maximum
// flow finds none for; so many as a maximum flow seats at members of their own pair
// are not given away; nobody is above capacity who need not be.
func TestNobodyIsLostWhomAnOracleSeats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, loads := cramped(t)
		anchor := Anchor(rapid.IntRange(0, 1).Draw(t, "anchor"))
		plan := Settle(p, loads, anchor)
		after := plan.ApplyTo(p)
		if err := after.Check(); err != nil {
			t.Fatal(err)
		}
		room := map[string]int{}
		for _, e := range p.Edges {
			if Delivers(e.State) {
				room[e.Name] = e.Capacity
			}
		}
		count, all, spilled := Delivering(after, loads), total(loads), 0
		over, delivered := 0, 0
		for name, n := range count {
			over += max(n-room[name], 0)
			delivered += n
		}
		for i := range after.Pairs {
			q := &after.Pairs[i]
			for _, part := range Parts(after, q) {
				if part.Owner != q.Low && part.Owner != q.High && part.Owner != "" {
					table := TableOf(q.Slots, loads[i].Taken)
					spilled += table.Below(part.To) - table.Below(part.From)
				}
			}
		}
		seatable := all - seats(p, loads, room, true)
		if plan.Lost != seatable || plan.Lost != over+all-delivered {
			t.Fatalf("lost %d, the oracle %d; %d of %d delivered, %d over", plan.Lost, seatable, delivered, all, over)
		}
		if most := all - seats(p, loads, room, false); plan.Lost == 0 && spilled != most {
			t.Fatalf("%d are given away, %d need be", spilled, most)
		}
		if again := Settle(after, loads, AnchorCurrent); plan.Lost == 0 && again.Moved != 0 {
			t.Fatalf("settled again moves %d", again.Moved)
		}
	})
}

// seats is a maximum flow, by the plainest search: how many sessions can be seated
// at the members of their pairs or, with spill, at any edge that takes spill-over.
func seats(p *wire.Placement, loads []Load, room map[string]int, spill bool) int {
	may := func(i int, e wire.Edge) bool {
		member := p.Pairs[i].Low == e.Name || p.Pairs[i].High == e.Name
		return Delivers(e.State) && (member || spill)
	}
	at := make([]map[string]int, len(p.Pairs)) // who of a pair sits where
	held := map[string]int{}
	var seat func(i int, tried map[string]bool) bool
	seat = func(i int, tried map[string]bool) bool {
		for _, e := range p.Edges {
			if !may(i, e) || tried[e.Name] {
				continue
			}
			tried[e.Name] = true
			free := held[e.Name] < room[e.Name]
			for j := range p.Pairs { // else somebody has to make room there
				if !free && at[j][e.Name] > 0 && seat(j, tried) {
					at[j][e.Name]--
					held[e.Name]--
					free = true
				}
			}
			if free {
				at[i][e.Name]++
				held[e.Name]++
				return true
			}
		}
		return false
	}
	seated := 0
	for i := range p.Pairs {
		at[i] = map[string]int{}
		for range TableOf(p.Pairs[i].Slots, loads[i].Taken).Taken() {
			if seat(i, map[string]bool{}) {
				seated++
			}
		}
	}
	return seated
}

// TestSettlingALargeRing: a death in a ring of 1,024 edges that are all at their
// limits moves sessions round the whole ring.
func TestSettlingALargeRing(t *testing.T) {
	capacities := make([]int, 1024)
	for i := range capacities {
		capacities[i] = 1024
	}
	p := ringOf(FailSafeAdmission, capacities...)
	var loads []Load
	for _, q := range p.Pairs {
		loads = append(loads, fill(p, q.ID, 512, 511))
	}
	began := time.Now()
	after, plan := Without(p, "e7", loads, wire.EdgeDown)
	t.Logf("settled in %v, %d boundaries moved, %d sessions", time.Since(began), len(plan.Boundaries), plan.Moved)
	equal(t, "lost", plan.Lost, 0)
	for name, n := range Delivering(after, loads) {
		if n > 1024 {
			t.Errorf("%s delivers %d", name, n)
		}
	}
}

// TestOverflowTakesTheShorterWay: one too many, a full neighbour with room behind it on
// one side, room at once on the other.
func TestOverflowTakesTheShorterWay(t *testing.T) {
	p := ringOf(PairAdmission, 4, 4, 4, 4)
	loads := []Load{fill(p, 1, 2, 2), fill(p, 2, 2, 0), {Pair: 3}, fill(p, 4, 0, 2)}
	p.Edges[0].Capacity = 3
	plan := Settle(p.Index(), loads, AnchorCurrent)
	equal(t, "moved", plan.Moved, 1)
	equal(t, "delivering", Delivering(plan.ApplyTo(p), loads), map[string]int{"e1": 3, "e2": 4, "e3": 0, "e4": 1})
}

// TestNothingSpillsOverThatCanBeHandedOn: both neighbours are full, so one session goes on
// by way of a full one to the next; nobody outside the pair gets it.
func TestNothingSpillsOverThatCanBeHandedOn(t *testing.T) {
	p := ringOf(PairAdmission, 4, 4, 4, 4, 4)
	loads := []Load{fill(p, 1, 2, 2), fill(p, 2, 2, 0), {Pair: 3}, fill(p, 4, 0, 2), fill(p, 5, 2, 2)}
	p.Edges[0].Capacity = 3
	plan := Settle(p.Index(), loads, AnchorCurrent)
	equal(t, "moved", plan.Moved, 2)
	equal(t, "spilled over", len(plan.Adopted), 0)
	equal(t, "lost", plan.Lost, 0)
}
