package placement

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// evening is a cluster through an evening of ring changes: the placement, who sits
// in which slot, and which edge holds which table.
type evening struct {
	t      *rapid.T
	state  *State
	index  uint64
	tables map[wire.PairID]*ring.Table
	holds  map[string]map[wire.PairID]bool // by edge
	named  int
}

// TestNoChangeOfTheRingLosesAnEntry: whatever happens in whatever order, deaths,
// returns, drains, resumes, joins, leavings, removals of dead members, other
// capacities, on a ring filled to its limits: nobody is lost for whom there is room,
// and who delivers a slot from a commit on was given the table before it, but for
// slots that are given to one who is no member.
func TestNoChangeOfTheRingLosesAnEntry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := &evening{t: t, state: NewState(), tables: map[wire.PairID]*ring.Table{}, holds: map[string]map[wire.PairID]bool{}}
		for range rapid.IntRange(2, 6).Draw(t, "edges") {
			v.register()
		}
		v.apply(Command{Kind: Place, Stream: "/s/", Pair: 1})
		v.fill(rapid.IntRange(0, 100).Draw(t, "percent"))
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			v.step()
		}
	})
}

func (v *evening) register() {
	v.named++
	name := fmt.Sprint("e", v.named)
	v.holds[name] = map[wire.PairID]bool{}
	v.apply(Command{Kind: EdgeUp, After: v.someone(), Edge: &wire.Edge{Name: name, Capacity: rapid.IntRange(1, 24).Draw(v.t, "capacity"), Incarnation: 1}})
}

func (v *evening) someone() string {
	if p := v.state.Placement(); len(p.Edges) > 0 {
		return rapid.SampledFrom(p.Edges).Draw(v.t, "edge").Name
	}
	return ""
}

// fill seats viewers up to a share of every edge's limit, as the members allot.
func (v *evening) fill(percent int) {
	p := v.state.Placement()
	limits := ring.LimitsOf(p)
	for i := range p.Pairs {
		q := &p.Pairs[i]
		for _, edge := range []string{q.Low, q.High} {
			want := limits[edge]*percent/100 - ring.DeliveringTables(p, v.tables)[edge]
			if high := edge == q.High; high {
				want /= 2
			}
			for ; want > 0 && !q.Retiring; want-- {
				v.tables[q.ID].Allot(ring.Owned(p, q, edge), ring.ViewOf(q, edge), ring.PairLimit(p, q))
			}
		}
	}
}

func (v *evening) step() {
	name := v.someone()
	e, _ := v.state.Placement().Edge(name)
	if rapid.Bool().Draw(v.t, "notices come through") {
		v.notices()
	}
	switch rapid.IntRange(0, 11).Draw(v.t, "what") {
	case 0:
		if len(v.state.Placement().Edges) < 9 {
			v.register()
		}
	case 1, 2:
		if ring.Delivers(e.State) || e.State == wire.EdgeDraining {
			v.holds[name] = map[wire.PairID]bool{}
			v.apply(Command{Kind: EdgeDown, Name: name, Incarnation: e.Incarnation})
		} else if e.State == wire.EdgeDown {
			v.apply(Command{Kind: EdgeUp, Edge: &wire.Edge{Name: name, Capacity: e.Capacity, Incarnation: e.Incarnation + 1}})
		}
	case 3, 4: // it says that it holds all it needs, and so it does
		v.notices()
		v.apply(Command{Kind: EdgeReady, Name: name, Incarnation: e.Incarnation, Version: v.state.Placement().Version})
	case 5:
		v.apply(Command{Kind: Drain, Name: name})
	case 6:
		v.apply(Command{Kind: Resume, Name: name})
	case 7:
		v.apply(Command{Kind: Remove, Name: name})
	case 8:
		for _, e := range v.state.Placement().Edges {
			if ring.Goes(e) { // its heirs say so
				v.notices()
				v.apply(Command{Kind: Left, Name: e.Name, Version: v.state.Placement().Version})
				return
			}
		}
	case 9:
		v.apply(Command{Kind: Accept, Name: name})
	case 10:
		v.apply(Command{Kind: Settle, Version: v.state.Placement().Version}) // all have followed, and tables may shrink
	default:
		v.apply(Command{Kind: EdgeUp, Edge: &wire.Edge{Name: name, Capacity: rapid.IntRange(1, 24).Draw(v.t, "other capacity"), Incarnation: e.Incarnation}})
	}
}

// notices gives all who are told a pair's table what one of them who lives has: a keeper
// that is no watcher tells it as well (a watcher by the last death may have none yet).
func (v *evening) notices() {
	p := v.state.Placement()
	for i := range p.Pairs {
		q := &p.Pairs[i]
		told := ring.Told(p, q)
		if !slices.ContainsFunc(told, func(name string) bool { return v.holds[name][q.ID] }) {
			continue
		}
		for _, name := range told {
			v.holds[name][q.ID] = true
		}
	}
}

// apply carries a command out and looks at every slot.
func (v *evening) apply(c Command) {
	before := v.state.Placement()
	for i := range before.Pairs {
		id := before.Pairs[i].ID
		c.Loads = append(c.Loads, ring.Load{Pair: id, Taken: v.tables[id].Runs()})
	}
	b, err := c.Encode()
	if err != nil {
		v.t.Fatal(err)
	}
	v.index++
	r := v.state.Apply(v.index, b)
	if err := v.state.Check(); err != nil {
		v.t.Fatalf("%s %s: %v", c.Kind, c.Name, err)
	}
	v.furnish()
	v.settled(&c, &r)
	v.told(&c, before)
}

// furnish gives new pairs a table, which both members know to be empty.
func (v *evening) furnish() {
	p := v.state.Placement()
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if table := v.tables[q.ID]; table != nil && table.Slots() != q.Slots {
			was := table.Taken()
			if table.Resize(q.Slots); table.Taken() != was {
				v.t.Fatalf("pair %d has %d slots now, %d sessions stood in those that are gone", q.ID, q.Slots, was-table.Taken())
			}
		}
		if v.tables[q.ID] == nil || p.Streams.Len() == 0 {
			v.tables[q.ID] = ring.NewTable(q.Slots)
			for _, name := range []string{q.Low, q.High} {
				if name != "" {
					v.holds[name][q.ID] = true
				}
			}
		}
	}
	for id, table := range v.tables {
		if _, ok := p.Pair(id); !ok {
			if table.Taken() > 0 {
				v.t.Fatalf("pair %d ended with %d sessions", id, table.Taken())
			}
			delete(v.tables, id)
		}
	}
}

// settled: what is lost is what there is no room for, and ends.
func (v *evening) settled(c *Command, r *Result) {
	p := v.state.Placement()
	all, room := 0, 0
	for _, table := range v.tables {
		all += table.Taken()
	}
	for _, e := range p.Edges {
		if ring.Delivers(e.State) {
			room += e.Capacity
		}
	}
	if lost := max(all-room, 0); r.Changed && r.Plan.Lost != lost {
		v.t.Fatalf("%s %s: lost %d, for %d there is no room", c.Kind, c.Name, r.Plan.Lost, lost)
	}
	over := ring.DeliveringTables(p, v.tables)
	for i := range p.Pairs {
		q := &p.Pairs[i]
		for _, part := range ring.Parts(p, q) {
			e, _ := p.Edge(part.Owner)
			for slot := part.From; slot < part.To; slot++ {
				if v.tables[q.ID].Has(slot) && (part.Owner == "" || over[part.Owner] > e.Capacity) {
					v.tables[q.ID].Free(slot)
					over[part.Owner]--
					all--
				}
			}
		}
	}
	if seated := sumOf(ring.DeliveringTables(p, v.tables)); seated != all {
		v.t.Fatalf("%s %s: %d of %d have an edge", c.Kind, c.Name, seated, all)
	}
}

func sumOf(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// told: who delivers a slot held its table before the command.
func (v *evening) told(c *Command, before *wire.Placement) {
	p := v.state.Placement()
	for i := range p.Pairs {
		q := &p.Pairs[i]
		was, old := before.Pair(q.ID)
		known := old && slices.ContainsFunc(ring.Watchers(before, was), func(name string) bool { return v.holds[name][q.ID] && state(p, name) != wire.EdgeDown })
		for _, part := range ring.Parts(p, q) {
			taken := v.tables[q.ID].Below(part.To) - v.tables[q.ID].Below(part.From)
			member := part.Owner == q.Low || part.Owner == q.High
			if known && member && taken > 0 && !v.holds[part.Owner][q.ID] {
				v.t.Fatalf("%s %s: %s delivers %d sessions of pair %d (%s, %s) and was never given the table", c.Kind, c.Name, part.Owner, taken, q.ID, q.Low, q.High)
			}
		}
	}
}

func state(p *wire.Placement, name string) wire.EdgeState {
	e, _ := p.Edge(name)
	return e.State
}
