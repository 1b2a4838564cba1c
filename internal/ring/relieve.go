package ring

import "tandem/internal/wire"

// Relief is a boundary that moves sessions from one member of a pair to the other, so
// that a viewer finds room who would be refused.
type Relief struct {
	Pair     wire.PairID
	From, To string
	Most     int // sessions
}

// Relieve finds who could take sessions from whom for one viewer more to find room, where
// an edge is below its limit and its pairs are full: its neighbour in one of them gives
// it some, and has room for a viewer of its own other pair, or for what its next
// neighbour has to give. Each call is one boundary of the shortest such way, from the end
// where the room is. False: nobody has room, or it helps nobody.
func Relieve(p *wire.Placement, f Figures, tables func() map[wire.PairID]*Table) (Relief, bool) {
	f.stands = StandIns(p)
	room := func(edge string) int { return f.Limits[edge] - f.Delivering[edge] }
	var reached []string // those that could seat somebody if they were relieved, and who could relieve them, nearest first
	known, some := map[string]bool{}, false
	for i := range p.Pairs {
		q := &p.Pairs[i]
		for _, edge := range []string{q.Low, q.High} {
			some = some || usable(p, edge) && room(edge) > 0
			if !known[edge] && !q.Retiring && usable(p, edge) && room(edge) <= 0 && !f.full(p, q) && !f.standsIn(q) {
				known[edge] = true
				reached = append(reached, edge)
			}
		}
	}
	if !some || len(reached) == 0 {
		return Relief{}, false
	}
	taken := tables()
	for ; len(reached) > 0; reached = reached[1:] {
		from := reached[0]
		for i := range p.Pairs {
			q := &p.Pairs[i]
			to := q.High
			if from == q.High {
				to = q.Low
			}
			if q.Low != from && q.High != from || known[to] || !movable(p, q) {
				continue
			}
			has := tableOf(q, taken).Below(q.Boundary)
			if from == q.High {
				has = tableOf(q, taken).Taken() - has
			}
			switch n := room(to); {
			case has == 0:
			case n > 0:
				return Relief{Pair: q.ID, From: from, To: to, Most: min((n+1)/2, has)}, true
			default:
				known[to] = true
				reached = append(reached, to)
			}
		}
	}
	return Relief{}, false
}

// movable tells whether a pair's boundary is nobody's but the viewers': no member is
// missing, and nothing is to come back to it.
func movable(p *wire.Placement, q *wire.Pair) bool {
	return !q.Retiring && usable(p, q.Low) && usable(p, q.High) && len(q.Adopted) == 0 && q.Boundary == q.Home
}

// Boundary is where the pair's boundary goes by it.
func (r Relief) Boundary(q *wire.Pair, t *Table) int {
	low := t.Below(q.Boundary)
	if r.From == q.Low {
		return t.Split(low-min(r.Most, low), q.Boundary)
	}
	return t.Split(low+min(r.Most, t.Taken()-low), q.Boundary)
}
