package ring

import (
	"slices"

	"tandem/internal/wire"
)

// Plan is an answer of Settle.
type Plan struct {
	Boundaries []wire.BoundaryMove `json:"boundaries"`        // those that change, by pair
	Adopted    []PairAdoption      `json:"adopted,omitempty"` // spill-over that changes
	Moved      int                 `json:"moved"`             // sessions that change edges
	Lost       int                 `json:"lost"`              // sessions for which nobody has room
	Excess     []EdgeExcess        `json:"excess,omitempty"`  // edges that stay above capacity
}

// PairAdoption gives slots of a pair to edges that are no members of it.
type PairAdoption struct {
	Pair  wire.PairID     `json:"pair"`
	Slots []wire.Adoption `json:"slots"`
}

// EdgeExcess is an edge that has more sessions than it can deliver: it refuses
// its newest ones.
type EdgeExcess struct {
	Edge string `json:"edge"`
	Over int    `json:"over"`
}

// moved counts the sessions of a pair that somebody else delivers when boundary and
// spill-over is these.
func moved(q *wire.Pair, t *Table, boundary int, given []wire.Adoption) int {
	if len(given) == 0 && len(q.Adopted) == 0 {
		n := t.Below(boundary) - t.Below(q.Boundary)
		return max(n, -n)
	}
	next := *q
	next.Boundary, next.Adopted = boundary, given
	n := 0
	for slot := range q.Slots {
		if t.Has(slot) && named(q, slot) != named(&next, slot) {
			n++
		}
	}
	return n
}

// Moved counts the sessions that one edge delivers by one placement and another one
// by the other. Who is nobody's in either has not moved.
func Moved(before, after *wire.Placement, loads []Load) int {
	return MovedTables(before, after, TablesOf(after, loads))
}

// MovedTables is Moved for one who holds the tables themselves.
func MovedTables(before, after *wire.Placement, tables map[wire.PairID]*Table) int {
	n := 0
	for i := range after.Pairs {
		q := &after.Pairs[i]
		was, ok := before.Pair(q.ID)
		t := tableOf(q, tables)
		if !ok || t.Taken() == 0 {
			continue
		}
		old := Parts(before, was)
		for _, now := range Parts(after, q) {
			for _, then := range old {
				from, to := max(now.From, then.From), min(now.To, then.To)
				if from < to && now.Owner != then.Owner && now.Owner != "" && then.Owner != "" {
					n += t.Below(to) - t.Below(from)
				}
			}
		}
	}
	return n
}

// named is whom a pair names for a slot, alive or not.
func named(q *wire.Pair, slot int) string {
	for _, a := range q.Adopted {
		if slot >= a.From && slot < a.To {
			return a.Edge
		}
	}
	if slot < q.Boundary {
		return q.Low
	}
	return q.High
}

// ApplyTo is the placement with the plan carried out.
func (pl Plan) ApplyTo(p *wire.Placement) *wire.Placement {
	next := *p // ids and names stay where they are: the look-up tables are shared
	next.Pairs = slices.Clone(p.Pairs)
	for _, b := range pl.Boundaries {
		if q := find(&next, b.Pair); q != nil {
			q.Boundary = b.After
		}
	}
	for _, a := range pl.Adopted {
		if q := find(&next, a.Pair); q != nil {
			q.Adopted = a.Slots
		}
	}
	return &next
}

// find is a pair of a placement that is being made, to be changed.
func find(p *wire.Placement, id wire.PairID) *wire.Pair {
	i := slices.IndexFunc(p.Pairs, func(q wire.Pair) bool { return q.ID == id })
	if i < 0 {
		return nil
	}
	return &p.Pairs[i]
}

// Copy is a placement that can be changed without the original changing.
func Copy(p *wire.Placement) *wire.Placement {
	next := *p
	next.Edges = append([]wire.Edge(nil), p.Edges...)
	next.Pairs = append([]wire.Pair(nil), p.Pairs...)
	next.Balancers = append([]wire.Balancer(nil), p.Balancers...)
	next.Purges = append([]wire.Purge(nil), p.Purges...)
	return next.Index()
}
