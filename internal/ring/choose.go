package ring

import (
	"slices"

	"tandem/internal/wire"
)

// Figures is what a balancer knows of the edges when it chooses (S102, S103).
type Figures struct {
	Delivering map[string]int      // an edge's own total: on both its tables, and adopted
	Sum        map[wire.PairID]int // pair sums: sessions on both sides of a table
	Limits     map[string]int      // LimitsOf the placement
	Least      bool                // state source query (claim 2): the least loaded member of a pair delivers
}

// Choice is the answer to a viewer. Either an edge and a pair, or a reason.
type Choice struct {
	Edge   string
	Pair   wire.PairID
	Place  bool   // the stream has to be placed on the pair first (S107)
	Reason string // refused (S111): one of wire.Reason*
}

// Choose admits a viewer of a stream and picks the edge: PATENT.md's steps 1 to
// 3 (claims 1-4, 8, 9, 12, 13). It is pure: the same placement and loads give
// the same choice on every balancer and in the simulator.
func Choose(p *wire.Placement, f Figures, stream string) Choice {
	stored := p.Stream(stream)  // S101-S103: who stores this stream?
	for _, id := range stored { // S121: the pairs that store it, smallest number first
		q, ok := p.Pair(id)
		if !ok || q.Retiring {
			continue
		}
		if f.Sum[id] >= PairLimit(p, q) { // S122, S128: the pair sum has to be under MAX
			continue
		}
		first, second := q.Low, q.High
		if f.Least && f.Delivering[second] < f.Delivering[first] && usable(p, second) {
			first, second = second, first
		}
		if usable(p, first) && f.Delivering[first] < f.Limits[first] { // S123
			return Choice{Edge: first, Pair: id} // S124; the notices of S126 follow from the table
		}
		if usable(p, second) && f.Delivering[second] < f.Limits[second] { // S129
			return Choice{Edge: second, Pair: id} // S130, S132
		}
		// S125, S127: on to the next pair, and after the last to step 2
	}
	return place(p, f, stored)
}

// place is step 2: nobody that stores the stream has room, so the edge with the
// fewest sessions gets it, together with its next (S104-S110).
func place(p *wire.Placement, f Figures, stored []wire.PairID) Choice {
	best, reason := -1, wire.ReasonNoEdge
	for i := range p.Pairs { // S104: the fewest sessions; of equals the first in the ring
		q := &p.Pairs[i]
		if q.Retiring || !usable(p, q.Low) {
			continue
		}
		if slices.Contains(stored, q.ID) || f.Sum[q.ID] >= PairLimit(p, q) || f.Delivering[q.Low] >= f.Limits[q.Low] { // S105
			if reason != wire.ReasonFailSafe {
				reason = wire.ReasonCluster
			}
			continue
		}
		if standsIn(p, q) { // claims 12, 13: neither it nor its pair gets a new stream
			reason = wire.ReasonFailSafe
			continue
		}
		if best < 0 || f.Delivering[q.Low] < f.Delivering[p.Pairs[best].Low] {
			best = i
		}
	}
	if best < 0 {
		return Choice{Reason: reason} // S111
	}
	return Choice{Edge: p.Pairs[best].Low, Pair: p.Pairs[best].ID, Place: true} // S106
}

func usable(p *wire.Placement, edge string) bool {
	e, ok := p.Edge(edge)
	return ok && Delivers(e.State)
}

// standsIn tells whether a pair may get no new stream because one of its members
// is missing or delivers for a missing one.
func standsIn(p *wire.Placement, q *wire.Pair) bool {
	if q.High != "" && !usable(p, q.High) {
		return true
	}
	return FailSafe(p, q.Low) || q.High != "" && FailSafe(p, q.High)
}
