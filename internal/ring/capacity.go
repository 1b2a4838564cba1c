package ring

import (
	"cmp"
	"slices"

	"tandem/internal/wire"
)

// Lowers tells whether the limits of members would fall if this edge were one of them,
// or had this capacity: its loss would be so great that the others have to keep more
// room for it than it brings. A ring of one has nobody to keep room for, and that it
// begins to with the second is what the second is for.
func Lowers(p *wire.Placement, e wire.Edge) bool {
	before := LimitsOf(p)
	if len(before) < 2 {
		return false
	}
	next := *p
	next.Edges = slices.DeleteFunc(slices.Clone(p.Edges), func(o wire.Edge) bool { return o.Name == e.Name })
	e.State = wire.EdgeUp
	next.Edges = append(next.Edges, e) // limits know no order
	after := LimitsOf(&next)
	return slices.ContainsFunc(p.Edges, func(o wire.Edge) bool { return o.Name != e.Name && after[o.Name] < before[o.Name] })
}

// LeastCapacity is the least that another member states; where none states any, the
// least that one has. 0: there is no other.
func LeastCapacity(p *wire.Placement, name string) int {
	stated, any := 0, 0
	for _, e := range p.Edges {
		switch {
		case e.Name == name || !InRing(e.State):
			continue
		case !e.Assumed && (stated == 0 || e.Capacity < stated):
			stated = e.Capacity
		}
		if any == 0 || e.Capacity < any {
			any = e.Capacity
		}
	}
	return cmp.Or(stated, any)
}

// Fit lets the tables follow their members' capacities: a table has as many slots as
// the smaller of its members can deliver. It grows at once. It shrinks by what is free
// at its end, once its members allot within the new capacity (Allot): told is the
// version of the placement that those followed who told the loads, 0 for no shrinking.
// Without a change it is p itself.
func Fit(p *wire.Placement, loads []Load, told uint64) *wire.Placement {
	return FitTables(p, TablesOf(p, loads), told)
}

// FitTables is Fit for one who holds the tables themselves; they are only read.
func FitTables(p *wire.Placement, tables map[wire.PairID]*Table, told uint64) *wire.Placement {
	next := p
	for i := range p.Pairs {
		q := p.Pairs[i]
		if !fit(p, &q, tables[q.ID], told) {
			continue
		}
		if next == p {
			shown := *p
			shown.Pairs = slices.Clone(p.Pairs)
			next = &shown
		}
		next.Pairs[i] = q
	}
	return next
}

// fit gives one pair another number of slots. False: it has the right one, or none
// that is too many is free.
func fit(p *wire.Placement, q *wire.Pair, t *Table, told uint64) bool {
	want := membersCapacity(p, q)
	switch {
	case q.Retiring || want == 0 || want == q.Slots:
		return false
	case want > q.Slots:
		resize(p, q, t, want)
		return true
	}
	for _, name := range []string{q.Low, q.High} {
		if e, ok := p.Edge(name); ok && told < e.Since {
			return false
		}
	}
	if t == nil || told == 0 || max(want, t.top()) == q.Slots {
		return false
	}
	resize(p, q, t, max(want, t.top()))
	var given []wire.Adoption
	for _, a := range q.Adopted {
		if a.To = min(a.To, q.Slots); a.From < a.To {
			given = append(given, a)
		}
	}
	q.Adopted = given
	return true
}

// resize gives a pair another number of slots. A boundary that was at home goes to the
// middle as far as no session changes sides by that, and home with it: a table that has
// shrunk to the low member's side would leave the high one none. Else home stays at the
// same share of the table.
func resize(p *wire.Placement, q *wire.Pair, t *Table, slots int) {
	was, home := q.Slots, q.Boundary == q.Home
	q.Home, q.Slots = q.Home*slots/was, slots
	switch {
	case q.Boundary == was && !Delivers(state(p, q.High)): // low delivers all, and goes on to
		q.Boundary = slots
	case t != nil && len(q.Adopted) == 0 && Delivers(state(p, q.Low)) && Delivers(state(p, q.High)):
		below, first := t.Below(q.Boundary), 0
		if below > 0 {
			first = t.Nth(below-1) + 1
		}
		next := t.Nth(below)
		if next == t.Slots() {
			next = slots
		}
		want := q.Home
		if home {
			want = slots / 2
		}
		q.Boundary = min(max(want, first), next, slots)
		if home {
			q.Home = q.Boundary
		}
	default:
		q.Boundary = min(q.Boundary, slots)
	}
}

// PairLimit is the most sessions of a pair: its slots, or what the smaller of its
// members can deliver while the table has not followed yet.
func PairLimit(p *wire.Placement, q *wire.Pair) int {
	return min(q.Slots, membersCapacity(p, q))
}

// membersCapacity is what the smaller member of a pair can deliver.
func membersCapacity(p *wire.Placement, q *wire.Pair) int {
	limit := 0
	for _, name := range []string{q.Low, q.High} {
		if e, ok := p.Edge(name); ok && (limit == 0 || e.Capacity < limit) {
			limit = e.Capacity
		}
	}
	return limit
}
