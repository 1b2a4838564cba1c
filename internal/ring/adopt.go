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
	for _, n := range s.spare[:s.hub] {
		room += max(n, 0)
	}
	keep := min(taken, room)
	below := t.Below(q.Home)
	low := max(min(below, keep/2), keep-(taken-below))
	var slots []wire.Adoption
	slots = s.hand(slots, t, 0, low, s.spare)
	slots = s.hand(slots, t, taken-(keep-low), taken, s.spare)
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
// ring order, as many to each as room says, which is used up by it.
func (s *settling) hand(slots []wire.Adoption, t *Table, first, last int, room []int) []wire.Adoption {
	for n := 0; n < s.hub && first < last; n++ {
		count := min(room[n], last-first)
		if count <= 0 {
			continue
		}
		room[n] -= count
		slots = append(slots, wire.Adoption{Edge: s.p.Edges[n].Name, From: t.Nth(first), To: t.Nth(first+count-1) + 1})
		first += count
	}
	return slots
}
