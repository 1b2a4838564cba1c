package ring

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/wire"
)

// drawn is a ring under admission failsafe with a random load at most at its limits.
func drawn(t *rapid.T, least, most int) (*wire.Placement, []Load) {
	n := rapid.IntRange(least, most).Draw(t, "n")
	capacities := make([]int, n)
	for i := range capacities {
		capacities[i] = rapid.IntRange(1, 40).Draw(t, "capacity")
	}
	p := ringOf(FailSafeAdmission, capacities...)
	limits := LimitsOf(p)
	left := make(map[string]int, n)
	for name, limit := range limits {
		left[name] = limit
	}
	tables := map[wire.PairID]*Table{}
	for _, q := range p.Pairs {
		tables[q.ID] = NewTable(q.Slots)
	}
	share := rapid.IntRange(0, 100).Draw(t, "share")
	for range 4 * 40 * n {
		q := &p.Pairs[rapid.IntRange(0, len(p.Pairs)-1).Draw(t, "pair")]
		low := rapid.Bool().Draw(t, "low")
		table, member := tables[q.ID], q.High
		if low {
			member = q.Low
		}
		if left[member] == 0 || rapid.IntRange(0, 99).Draw(t, "full") > share {
			continue
		}
		var ok bool
		if low {
			_, ok = table.Allot(Owned(p, q, q.Low), ViewOf(q, q.Low), q.Slots)
		} else {
			_, ok = table.Allot(Owned(p, q, q.High), ViewOf(q, q.High), q.Slots)
		}
		if ok {
			left[member]--
		}
		if sum := 0; len(left) > 0 {
			for _, n := range left {
				sum += n
			}
			if sum == 0 {
				break
			}
		}
	}
	var loads []Load
	for _, q := range p.Pairs {
		loads = append(loads, Load{Pair: q.ID, Taken: tables[q.ID].Runs()})
	}
	return p, loads
}

func total(loads []Load) int {
	n := 0
	for _, l := range loads {
		for _, r := range l.Taken {
			n += r.To - r.From
		}
	}
	return n
}

// TestOneDeathLosesNobody is truth 3: under admission failsafe, one death leaves
// no edge above its capacity and no session without an edge; a return restores.
func TestOneDeathLosesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, loads := drawn(t, 2, 12)
		name := p.Edges[rapid.IntRange(0, len(p.Edges)-1).Draw(t, "dead")].Name
		after, plan := Without(p, name, loads, wire.EdgeDown)
		if plan.Lost != 0 || len(plan.Excess) != 0 {
			t.Fatalf("%s died: lost %d, excess %v", name, plan.Lost, plan.Excess)
		}
		count, sum := Delivering(after, loads), 0
		for _, e := range after.Edges {
			sum += count[e.Name]
			if count[e.Name] > e.Capacity {
				t.Fatalf("%s delivers %d of %d", e.Name, count[e.Name], e.Capacity)
			}
		}
		if sum != total(loads) {
			t.Fatalf("%d of %d sessions have an edge", sum, total(loads))
		}
		back := setState(after, name, wire.EdgeUp)
		home := Settle(back, loads, AnchorHome).ApplyTo(back)
		if fmt.Sprint(boundaries(home)) != fmt.Sprint(boundaries(p)) {
			t.Fatalf("home is %v, was %v", boundaries(home), boundaries(p))
		}
	})
}

// TestAnySequenceOfDeathsAndReturns: nobody ever delivers more than it can, what
// is lost is exactly what does not fit, and settling again changes nothing.
func TestAnySequenceOfDeathsAndReturns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, loads := drawn(t, 2, 9)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			name := p.Edges[rapid.IntRange(0, len(p.Edges)-1).Draw(t, "edge")].Name
			e, _ := p.Edge(name)
			next, anchor := setState(p, name, wire.EdgeDown), AnchorCurrent
			if e.State != wire.EdgeUp {
				next, anchor = setState(p, name, wire.EdgeUp), AnchorHome
			}
			plan := Settle(next, loads, anchor)
			p = plan.ApplyTo(next)
			room, count, sum := 0, Delivering(p, loads), 0
			over := 0
			for _, e := range p.Edges {
				if Delivers(e.State) {
					room += e.Capacity
					sum += count[e.Name]
					over += max(count[e.Name]-e.Capacity, 0)
				}
			}
			if over > plan.Lost {
				t.Fatalf("over %d, lost %d", over, plan.Lost)
			}
			if plan.Lost == 0 && sum != total(loads) {
				t.Fatalf("%d of %d have an edge and none is told as lost", sum, total(loads))
			}
			if again := Settle(p, loads, AnchorCurrent); again.Moved != 0 && plan.Lost == 0 {
				t.Fatalf("settled again moves %d", again.Moved)
			}
			if err := p.Check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestFewestSessionsMove compares with every possible split of small rings.
func TestFewestSessionsMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 4).Draw(t, "n")
		capacities := make([]int, n)
		for i := range capacities {
			capacities[i] = rapid.IntRange(2, 6).Draw(t, "capacity")
		}
		p := ringOf(PairAdmission, capacities...)
		var loads []Load
		for i, q := range p.Pairs {
			if rapid.Bool().Draw(t, "not at home") { // after another death, say
				q.Boundary = rapid.IntRange(0, q.Slots).Draw(t, "boundary")
				p.Pairs[i] = q
			}
			low := rapid.IntRange(0, q.Boundary).Draw(t, "low")
			high := rapid.IntRange(0, q.Slots-q.Boundary).Draw(t, "high")
			loads = append(loads, fill(p, q.ID, low, high))
		}
		changed := setState(p, "e1", wire.EdgeDown)
		if rapid.Bool().Draw(t, "it is only smaller") { // then there are two ways round the ring
			changed = setState(p, "e1", wire.EdgeUp)
			changed.Edges[0].Capacity = rapid.IntRange(0, 3).Draw(t, "capacity of e1")
			changed.Index()
		}
		plan := Settle(changed, loads, AnchorCurrent)
		if best, ok := cheapestSplit(changed, loads); ok && (plan.Lost > 0 || plan.Moved != best) {
			t.Fatalf("moved %d, lost %d; %d would do", plan.Moved, plan.Lost, best)
		} else if ok && len(plan.Adopted) > 0 {
			t.Fatalf("%v is given away, and need not be", plan.Adopted)
		} else if !ok && plan.Lost == 0 {
			t.Fatal("found what can't be")
		}
	})
}

// cheapestSplit tries all boundaries.
func cheapestSplit(p *wire.Placement, loads []Load) (best int, ok bool) {
	var try func(i int, q *wire.Placement, moved int)
	try = func(i int, q *wire.Placement, moved int) {
		if i == len(q.Pairs) {
			count := Delivering(q, loads)
			for _, e := range q.Edges {
				if count[e.Name] > e.Capacity {
					return
				}
			}
			if !ok || moved < best {
				best, ok = moved, true
			}
			return
		}
		pair := q.Pairs[i]
		t := TableOf(pair.Slots, loads[i].Taken)
		from := pair.Boundary
		for b := 0; b <= pair.Slots; b++ {
			if dead := !Delivers(state(p, "e1")); dead && (pair.Low == "e1" && b != 0 || pair.High == "e1" && b != pair.Slots) {
				continue
			}
			next := Copy(q)
			next.Pairs[i].Boundary = b
			d := t.Below(b) - t.Below(from)
			try(i+1, next, moved+max(d, -d))
		}
	}
	try(0, p, 0)
	return best, ok
}

func TestTableAgreesWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.IntRange(1, 200).Draw(t, "slots")
		table, model := NewTable(slots), map[int]bool{}
		q := &wire.Pair{Low: "low", High: "high", Slots: slots}
		for range rapid.IntRange(0, 300).Draw(t, "ops") {
			b := rapid.IntRange(0, slots).Draw(t, "boundary")
			limit := rapid.IntRange(0, slots).Draw(t, "limit") // what lies above is to become free
			given := rapid.IntRange(0, slots).Draw(t, "given") // from here on 70 slots are somebody else's
			mine := func(slot int) bool { return slot < limit && (slot < given || slot >= given+70) }
			lowest := func(from, to, step int) int { // by the plainest search
				for i := from; i != to; i += step {
					if mine(i) && !model[i] {
						return i
					}
				}
				return -1
			}
			slot, ok, want := 0, false, -1
			switch rapid.IntRange(0, 2).Draw(t, "op") {
			case 0:
				want = lowest(0, b, 1)
				slot, ok = table.Allot([]wire.Run{{From: 0, To: min(b, given)}, {From: given + 70, To: b}}, ViewOf(q, "low"), limit)
			case 1:
				want = lowest(slots-1, b-1, -1)
				slot, ok = table.Allot([]wire.Run{{From: b, To: given}, {From: max(b, given+70), To: slots}}, ViewOf(q, "high"), limit)
			default:
				free := rapid.IntRange(0, slots-1).Draw(t, "free")
				table.Free(free)
				delete(model, free)
			}
			if ok != (want >= 0) || ok && slot != want {
				t.Fatalf("slot %d %v, want %d", slot, ok, want)
			}
			if ok {
				model[slot] = true
			}
		}
		low := 0
		b := rapid.IntRange(0, slots).Draw(t, "b")
		for slot := range model {
			if slot < b {
				low++
			}
		}
		if table.Below(b) != low || table.Taken() != len(model) || TableOf(slots, table.Runs()).Taken() != len(model) {
			t.Fatal("counts differ")
		}
		want := rapid.IntRange(0, len(model)).Draw(t, "want")
		if s := table.Split(want, b); table.Below(s) != want {
			t.Fatalf("split at %d has %d below, want %d", s, table.Below(s), want)
		}
	})
}
