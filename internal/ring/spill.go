package ring

import "tandem/internal/wire"

// Spill-over is a part of a pair's slots that an edge delivers which is no member of
// it (wire.Adoption, docs/decisions/0007): it has neither content nor table, so
// spill-over is the last resort.

// lay turns the numbers of a division into a boundary and spill-over: the low member's
// sessions are those in the lowest slots, the high one's those in the highest. With
// one member only, the sessions next to the home boundary are given away: those are
// the newest, since the low member allots upwards and the high one downwards.
func (s *settling) lay(d *division, through []int) (boundary int, given []wire.Adoption) {
	low, high := s.has(d.low), s.has(d.high)
	counts, same := s.spillsOf(d, through)
	n := 0
	for _, g := range counts {
		n += g.want
	}
	switch {
	case d.orphans >= 0:
		if same {
			return d.q.Boundary, d.q.Adopted
		}
		return d.q.Boundary, s.layOrphans(d, counts, n)
	case n == 0 && d.low.edge >= 0 && d.high.edge >= 0:
		return d.t.Split(low, d.near), nil
	case n == 0:
		return d.near, nil
	case same && d.inPlace(low, high):
		return d.q.Boundary, d.q.Adopted
	}
	first := low
	switch {
	case d.high.edge < 0:
		first = max(min(d.t.Below(d.q.Home)-n/2, d.t.Taken()-n), 0)
	case d.low.edge < 0:
		first = min(max(d.t.Below(d.q.Home)-n/2, 0), d.t.Taken()-n)
	}
	boundary = d.near
	if d.low.edge >= 0 && d.high.edge >= 0 {
		boundary = d.t.Nth(low) // the first that is given away: what is free before it is low's
	}
	return boundary, s.assign(nil, d.t, first, counts)
}

// spillsOf are the edges that get sessions of a pair, those that have some already
// first, and how many. same: nobody gets more or fewer than it has.
func (s *settling) spillsOf(d *division, through []int) (counts []side, same bool) {
	same = true
	for _, g := range d.spills {
		n := s.carried(g.take)
		same = same && n == g.want
		g.want = n
		counts = append(counts, g)
	}
	left := s.carried(d.toHub)
	same = same && left == 0 && len(d.spills) == len(d.q.Adopted)
	for edge := 0; left > 0; edge++ { // in ring order
		if n := min(left, through[edge]); n > 0 {
			through[edge] -= n
			left -= n
			counts = append(counts, side{edge: edge, want: n})
		}
	}
	return counts, same
}

// inPlace tells whether boundary and spill-over as they are give the members so many.
func (d *division) inPlace(low, high int) bool {
	given, below := 0, d.t.Below(d.q.Boundary)
	for _, a := range d.q.Adopted {
		n := d.t.Below(a.To) - d.t.Below(a.From)
		given += n
		below -= d.t.Below(min(a.To, d.q.Boundary)) - d.t.Below(min(a.From, d.q.Boundary))
	}
	switch {
	case d.high.edge < 0:
		return d.q.Boundary == d.q.Slots && low == d.t.Taken()-given
	case d.low.edge < 0:
		return d.q.Boundary == 0 && high == d.t.Taken()-given
	}
	return below == low && d.t.Taken()-given-below == high
}

// layOrphans gives all slots of a pair without members away, free ones too, so that
// a viewer who comes back finds somebody. When there is too little room, the sessions
// next to the boundary are nobody's.
func (s *settling) layOrphans(d *division, counts []side, n int) []wire.Adoption {
	if n == 0 {
		return nil
	}
	taken, below := d.t.Taken(), d.t.Below(d.q.Home)
	low := max(min(below, n/2), n-(taken-below)) // so many from below, the others from above
	if taken == n {
		low = n
	}
	var fromLow, fromHigh []side
	for _, g := range counts {
		k := min(g.want, low)
		low -= k
		if k > 0 {
			fromLow = append(fromLow, side{edge: g.edge, want: k})
		}
		if g.want > k {
			fromHigh = append(fromHigh, side{edge: g.edge, want: g.want - k})
		}
	}
	lowest := s.assign(nil, d.t, 0, fromLow)
	highest := s.assign(nil, d.t, taken-sum(fromHigh), fromHigh)
	slots := append(lowest, highest...)
	for i := range slots {
		switch {
		case i == 0 && len(lowest) > 0:
			slots[i].From = 0
		case i > 0 && i != len(lowest):
			slots[i].From = slots[i-1].To
		}
	}
	if last := len(slots) - 1; len(highest) > 0 || taken == n {
		slots[last].To = d.q.Slots
	}
	return slots
}

func sum(counts []side) int {
	n := 0
	for _, g := range counts {
		n += g.want
	}
	return n
}

// assign gives the sessions from the first-th on to edges, so many to each.
func (s *settling) assign(slots []wire.Adoption, t *Table, first int, counts []side) []wire.Adoption {
	for _, g := range counts {
		if g.want == 0 {
			continue
		}
		slots = append(slots, wire.Adoption{Edge: s.p.Edges[g.edge].Name, From: t.Nth(first), To: t.Nth(first+g.want-1) + 1})
		first += g.want
	}
	return slots
}
