package ring

import (
	"maps"
	"slices"

	"tandem/internal/wire"
)

// Room is the boundary that gives a member of a pair free slots of the other one's:
// half of those that lie next to the boundary, which moves no session. Where the first
// free one lies further out, just up to that; the sessions that are passed over change
// sides, which is fine: both members hold the stream. No more than most are: they may
// not bring the member above its limit. When it has reached that without a slot, the
// other one has got room for as many instead. False: the pair is full, or the member
// has no room for anybody.
func Room(p *wire.Placement, q *wire.Pair, t *Table, edge string, most int) (boundary int, ok bool) {
	v, limit := ViewOf(q, edge), PairLimit(p, q)
	free := func(i int) bool { return v.Slot(i) < limit && !t.Has(v.Slot(i)) }
	first, passed, last := v.Boundary(q.Boundary), 0, 0
	at := first
	for ; at < q.Slots && !free(at); at++ {
		if t.Has(v.Slot(at)) && passed < most {
			passed, last = passed+1, at
		}
	}
	switch {
	case at == q.Slots || most <= 0:
		return q.Boundary, false
	case passed == most:
		at = last
	case passed == 0:
		n := 0
		for ; at+n < q.Slots && free(at+n); n++ {
		}
		at += (n+1)/2 - 1
	}
	return v.Boundary(at + 1), true
}

// Delivering counts the sessions that each edge delivers by the tables.
func Delivering(p *wire.Placement, loads []Load) map[string]int {
	return DeliveringTables(p, TablesOf(p, loads))
}

// DeliveringTables is Delivering for one who holds the tables themselves.
func DeliveringTables(p *wire.Placement, tables map[wire.PairID]*Table) map[string]int {
	count := make(map[string]int, len(p.Edges))
	for i := range p.Pairs {
		q := &p.Pairs[i]
		t := tableOf(q, tables)
		if t.Taken() == 0 {
			continue
		}
		for _, part := range Parts(p, q) {
			if part.Owner != "" {
				count[part.Owner] += t.Below(part.To) - t.Below(part.From)
			}
		}
	}
	return count
}

// Without is the placement after an edge's death, drain or removal, settled.
func Without(p *wire.Placement, edge string, loads []Load, state wire.EdgeState) (*wire.Placement, Plan) {
	return without(p, edge, TablesOf(p, loads), state)
}

func without(p *wire.Placement, edge string, tables map[wire.PairID]*Table, state wire.EdgeState) (*wire.Placement, Plan) {
	next := *p // no name changes its place: the look-up tables are shared
	next.Edges = slices.Clone(p.Edges)
	for i := range next.Edges {
		if next.Edges[i].Name == edge {
			next.Edges[i].State = state
		}
	}
	plan := SettleTables(&next, tables, AnchorCurrent)
	return plan.ApplyTo(&next), plan
}

// Becomes is the placement, settled, when an edge has got another state: when it is drained
// or stops in order, when it is resumed, back, or has joined.
func Becomes(p *wire.Placement, edge string, loads []Load, state wire.EdgeState) *wire.Placement {
	e, _ := p.Edge(edge)
	if state != wire.EdgeUp {
		after, _ := Without(p, edge, loads, state)
		return after
	}
	after := Join(p, edge, e.After)
	if InRing(e.State) {
		after, _ = Without(p, edge, loads, state)
	}
	return Settle(after, loads, AnchorHome).ApplyTo(after)
}

// Given are the slots with sessions that edges get from others, or from nobody, when a
// placement becomes another one: by edge.
func Given(before, after *wire.Placement, loads []Load) map[string][]Load {
	given := map[string][]Load{}
	for _, l := range loads {
		was, known := before.Pair(l.Pair)
		q, stays := after.Pair(l.Pair)
		if !known || !stays {
			continue
		}
		runs, old := map[string][]wire.Run{}, Parts(before, was)
		for _, now := range Parts(after, q) {
			for _, then := range old {
				for _, r := range l.Taken {
					from, to := max(now.From, then.From, r.From), min(now.To, then.To, r.To)
					if from < to && now.Owner != then.Owner && now.Owner != "" {
						runs[now.Owner] = append(runs[now.Owner], wire.Run{From: from, To: to})
					}
				}
			}
		}
		for edge, taken := range runs {
			given[edge] = append(given[edge], Load{Pair: l.Pair, Taken: taken})
		}
	}
	return given
}

// DeathCosts is how many sessions more than now would find no room after an edge's death.
func DeathCosts(p *wire.Placement, edge string, loads []Load) int {
	tables := TablesOf(p, loads)
	_, after := without(p, edge, tables, wire.EdgeDown)
	if after.Lost == 0 {
		return 0
	}
	return after.Lost - SettleTables(p, tables, AnchorCurrent).Lost
}

// Margins are, by edge, its capacity less the most that it would deliver after
// any one more death: below 0 the next failure would not be survived whole.
func Margins(p *wire.Placement, loads []Load) map[string]int {
	tables := TablesOf(p, loads)
	now := DeliveringTables(p, tables)
	peak := maps.Clone(now)
	for _, e := range p.Edges {
		if !Delivers(e.State) {
			continue
		}
		after, plan := without(p, e.Name, tables, wire.EdgeDown)
		for name, n := range gained(p, after, plan, tables) {
			peak[name] = max(peak[name], now[name]+n)
		}
		if plan.Lost > 0 {
			for _, left := range p.Edges {
				if left.Name != e.Name && Delivers(left.State) {
					peak[left.Name] = max(peak[left.Name], left.Capacity+1)
				}
			}
		}
	}
	margins := make(map[string]int, len(p.Edges))
	for _, e := range p.Edges {
		if Delivers(e.State) {
			margins[e.Name] = e.Capacity - peak[e.Name]
		}
	}
	return margins
}

// gained is by how much edges deliver more or less after a plan: only the pairs that it
// names are looked at, since after one death in a large ring that is a few.
func gained(before, after *wire.Placement, plan Plan, tables map[wire.PairID]*Table) map[string]int {
	gain := map[string]int{}
	seen := map[wire.PairID]bool{}
	count := func(id wire.PairID) {
		if seen[id] {
			return
		}
		seen[id] = true
		for i, p := range []*wire.Placement{before, after} {
			q, _ := p.Pair(id)
			t := tableOf(q, tables)
			for _, part := range Parts(p, q) {
				gain[part.Owner] += (2*i - 1) * (t.Below(part.To) - t.Below(part.From))
			}
		}
	}
	for _, b := range plan.Boundaries {
		count(b.Pair)
	}
	for _, a := range plan.Adopted {
		count(a.Pair)
	}
	return gain
}
