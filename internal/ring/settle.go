package ring

import (
	"slices"
	"sort"

	"tandem/internal/wire"
)

// Anchor is where boundaries want to be.
type Anchor int

// Anchors: where they are now (a death moves as little as possible), or home
// (a return takes everything back, claims 28-39).
const (
	AnchorCurrent Anchor = iota
	AnchorHome
)

// Plan is an answer of Settle.
type Plan struct {
	Boundaries []wire.BoundaryMove `json:"boundaries"`        // those that change, by pair
	Adopted    []PairAdoption      `json:"adopted,omitempty"` // for pairs that have lost both members
	Moved      int                 `json:"moved"`             // sessions that change edges
	Lost       int                 `json:"lost"`              // sessions for which nobody has room
	Excess     []EdgeExcess        `json:"excess,omitempty"`  // edges that stay above capacity
}

// PairAdoption gives the slots of a pair without living members to others.
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

// settling is the ring as a graph: edges are nodes, pairs with two living
// members are links along which sessions can be handed on.
type settling struct {
	p      *wire.Placement
	anchor Anchor
	node   map[string]int
	spare  []int // capacity left, by node; negative: excess
	hub    int   // the node through which sessions go to edges that are no neighbours
	links  []link
	ends   map[wire.PairID]int             // boundaries that pairs end up with
	given  map[wire.PairID][]wire.Adoption // slots that are given to edges that are no members
	lost   int                             // sessions of pairs without living members for which there is no room
}

// link is a way on which sessions can be handed on, from low to high and back.
type link struct {
	pair      *wire.Pair // nil for a way from the hub
	table     *Table
	near      int // the boundary it wants to have
	low, high int // nodes
	want      int // sessions at low at the anchor
	have      int // sessions at low now
	most      int // sessions in all
	price     int // of moving one away from where it wants to be
}

// Settle finds the boundaries under which every session is delivered by a living
// edge and nobody is above capacity, moving as few sessions as possible: one
// path for death, overflow, return, drain and ring changes (claims 20-27,
// 32-39). It is a min-cost flow on the ring; what can't be placed is told.
func Settle(p *wire.Placement, loads []Load, anchor Anchor) Plan {
	return SettleTables(p, tablesOf(p, loads), anchor)
}

// tablesOf are the tables that loads describe; of two loads of one pair the last
// counts, those of unknown pairs are left out.
func tablesOf(p *wire.Placement, loads []Load) map[wire.PairID]*Table {
	tables := make(map[wire.PairID]*Table, len(loads))
	for _, l := range loads {
		if q, ok := p.Pair(l.Pair); ok {
			tables[l.Pair] = TableOf(q.Slots, l.Taken)
		}
	}
	return tables
}

// SettleTables is Settle for one who holds the tables themselves (the simulator,
// with a million sessions). They are only read; a pair without one is empty.
func SettleTables(p *wire.Placement, tables map[wire.PairID]*Table, anchor Anchor) Plan {
	s := &settling{
		p: p, anchor: anchor, node: map[string]int{}, spare: make([]int, len(p.Edges)+1), hub: len(p.Edges), ends: map[wire.PairID]int{}, given: map[wire.PairID][]wire.Adoption{},
	}
	for i, e := range p.Edges {
		s.node[e.Name] = i
		if Delivers(e.State) {
			s.spare[i] = e.Capacity
		}
	}
	var orphans []*wire.Pair
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if !s.split(q, tableOf(q, tables)) {
			orphans = append(orphans, q)
		}
	}
	s.openHub()
	for s.shift() {
	}
	s.divide()
	for _, q := range orphans {
		s.adopt(q, tableOf(q, tables))
	}
	return s.plan(tables)
}

// tableOf is a pair's table, an empty one when there is none.
func tableOf(q *wire.Pair, tables map[wire.PairID]*Table) *Table {
	if t := tables[q.ID]; t != nil {
		return t
	}
	return NewTable(q.Slots)
}

// split puts a pair where its living members allow. False: it has none.
func (s *settling) split(q *wire.Pair, t *Table) bool {
	low, high := Delivers(state(s.p, q.Low)), Delivers(state(s.p, q.High))
	near := q.Boundary
	if s.anchor == AnchorHome {
		near = q.Home
	}
	switch {
	case low && high:
		have := t.Below(near)
		s.links = append(s.links, link{
			pair: q, table: t, near: near, low: s.node[q.Low], high: s.node[q.High], want: have, have: have, most: t.Taken(), price: 1,
		})
		s.spare[s.node[q.Low]] -= have
		s.spare[s.node[q.High]] -= t.Taken() - have
	case low:
		s.alone(q, t, s.node[q.Low])
		s.ends[q.ID] = q.Slots
	case high:
		s.alone(q, t, s.node[q.High])
		s.ends[q.ID] = 0
	default:
		return false
	}
	return true
}

// alone puts a pair's sessions at its only living member. They can be given to
// anybody, since nobody but that member holds the stream anyway; but that costs
// the origin, so it comes after everything else.
func (s *settling) alone(q *wire.Pair, t *Table, node int) {
	n := t.Taken()
	s.spare[node] -= n
	if n > 0 {
		s.links = append(s.links, link{pair: q, table: t, low: node, high: s.hub, want: n, have: n, most: n, price: giftPrice})
	}
}

// giftPrice is more than any way round the ring costs.
const giftPrice = 1 << 20

// openHub leads from the hub to every living edge, if anybody leads to it.
func (s *settling) openHub() {
	used := false
	for i := range s.links {
		used = used || s.links[i].high == s.hub
	}
	if !used {
		return
	}
	const any = 1 << 30
	for i, e := range s.p.Edges {
		if Delivers(e.State) {
			s.links = append(s.links, link{low: s.hub, high: i, want: any, have: any, most: any})
		}
	}
}

// divide turns the counts of the links into boundaries and gifts.
func (s *settling) divide() {
	given := make([]int, len(s.spare))
	for i := range s.links {
		if l := &s.links[i]; l.low == s.hub {
			given[l.high] = l.want - l.have
		}
	}
	for i := range s.links {
		l := &s.links[i]
		switch {
		case l.low == s.hub:
		case l.high == s.hub:
			if n := l.want - l.have; n > 0 { // those next to the boundary are the newest
				first := max(min(l.table.Below(l.pair.Home)-n/2, l.table.Taken()-n), 0)
				s.given[l.pair.ID] = s.hand(nil, l.table, first, first+n, given)
			}
		default:
			s.ends[l.pair.ID] = l.table.Split(l.have, l.near)
		}
	}
}

// plan says what changes.
func (s *settling) plan(tables map[wire.PairID]*Table) Plan {
	plan := Plan{Lost: s.lost}
	for i := range s.p.Pairs {
		q := &s.p.Pairs[i]
		t := tableOf(q, tables)
		end, ok := s.ends[q.ID]
		if !ok {
			end = q.Boundary
		}
		given := s.given[q.ID]
		if end != q.Boundary {
			plan.Boundaries = append(plan.Boundaries, wire.BoundaryMove{Pair: q.ID, Before: q.Boundary, After: end})
		}
		if !slices.Equal(given, q.Adopted) {
			plan.Adopted = append(plan.Adopted, PairAdoption{Pair: q.ID, Slots: given})
		}
		if len(given) == 0 && len(q.Adopted) == 0 {
			moved := t.Below(end) - t.Below(q.Boundary)
			plan.Moved += max(moved, -moved)
			continue
		}
		next := *q
		next.Boundary, next.Adopted = end, given
		for slot := range q.Slots {
			if t.Has(slot) && named(q, slot) != named(&next, slot) {
				plan.Moved++
			}
		}
	}
	sort.Slice(plan.Boundaries, func(i, j int) bool { return plan.Boundaries[i].Pair < plan.Boundaries[j].Pair })
	for i, left := range s.spare[:s.hub] {
		if left < 0 {
			plan.Excess = append(plan.Excess, EdgeExcess{Edge: s.p.Edges[i].Name, Over: -left})
			plan.Lost -= left
		}
	}
	return plan
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
	next := Copy(p)
	for i := range next.Pairs {
		q := &next.Pairs[i]
		for _, b := range pl.Boundaries {
			if b.Pair == q.ID {
				q.Boundary = b.After
			}
		}
		for _, a := range pl.Adopted {
			if a.Pair == q.ID {
				q.Adopted = a.Slots
			}
		}
	}
	return next
}

// Copy is a placement that can be changed without the original changing.
func Copy(p *wire.Placement) *wire.Placement {
	next := *p
	next.Edges = append([]wire.Edge(nil), p.Edges...)
	next.Pairs = append([]wire.Pair(nil), p.Pairs...)
	next.Streams = append([]wire.StreamPlace(nil), p.Streams...)
	next.Balancers = append([]wire.Balancer(nil), p.Balancers...)
	next.Purges = append([]wire.Purge(nil), p.Purges...)
	return next.Index()
}
