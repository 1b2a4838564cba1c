package ring

import "tandem/internal/wire"

// adopt gives the sessions of a pair that has lost both its members to living
// edges with capacity left. An adoption that still holds is left alone. When
// there is too little, the sessions next to the boundary go: the low member
// allots upwards and the high one downwards, so the newest are there.
func (s *settling) adopt(q *wire.Pair, t *Table) {
	if s.adopted(q, t) {
		return
	}
	taken, room := t.Taken(), 0
	for _, n := range s.spare {
		room += max(n, 0)
	}
	keep := min(taken, room)
	below := t.Below(q.Home)
	low := max(min(below, keep/2), keep-(taken-below))
	var slots []wire.Adoption
	slots = s.hand(slots, t, 0, low)
	slots = s.hand(slots, t, taken-(keep-low), taken)
	s.lost += taken - keep
	s.given[q.ID] = slots
}

// adopted tells whether the present adoption covers every session with edges
// that can deliver them, and counts them there if so.
func (s *settling) adopted(q *wire.Pair, t *Table) bool {
	covered := 0
	used := make([]int, len(s.spare))
	for _, a := range q.Adopted {
		n, ok := s.node[a.Edge]
		if !ok {
			return false
		}
		count := t.Below(a.To) - t.Below(a.From)
		used[n] += count
		covered += count
		if used[n] > s.spare[n] {
			return false
		}
	}
	if covered != t.Taken() || len(q.Adopted) == 0 && covered > 0 {
		return false
	}
	for n := range used {
		s.spare[n] -= used[n]
	}
	s.given[q.ID] = q.Adopted
	return true
}

// hand gives the sessions from the first-th to before the last-th to edges, in
// ring order, as many to each as it has room for.
func (s *settling) hand(slots []wire.Adoption, t *Table, first, last int) []wire.Adoption {
	for n := 0; n < len(s.spare) && first < last; n++ {
		count := min(s.spare[n], last-first)
		if count <= 0 {
			continue
		}
		s.spare[n] -= count
		slots = append(slots, wire.Adoption{Edge: s.p.Edges[n].Name, From: t.Nth(first), To: t.Nth(first+count-1) + 1})
		first += count
	}
	return slots
}

// relieve gives sessions of an edge that stays above capacity to edges with
// capacity left that are no neighbours: of pairs whose other member is missing,
// so that it could not be shared along the ring. They are those next to the
// boundary, the newest.
func (s *settling) relieve(tables map[wire.PairID]*Table) {
	for i := range s.p.Pairs {
		q := &s.p.Pairs[i]
		low, high := Delivers(state(s.p, q.Low)), Delivers(state(s.p, q.High))
		if low == high {
			continue
		}
		alone := s.node[q.Low]
		if high {
			alone = s.node[q.High]
		}
		room := 0
		for n, left := range s.spare {
			if n != alone {
				room += max(left, 0)
			}
		}
		t := tableOf(q, tables)
		give := min(-s.spare[alone], room, t.Taken())
		if give <= 0 {
			continue
		}
		first := max(min(t.Below(q.Home)-give/2, t.Taken()-give), 0)
		s.given[q.ID] = s.hand(nil, t, first, first+give)
		s.spare[alone] += give
	}
}
