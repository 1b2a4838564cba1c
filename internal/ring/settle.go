package ring

import (
	"slices"

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

// Settle finds the boundaries under which every session is delivered by a living
// edge and nobody is above capacity, moving as few sessions as possible: one
// path for death, overflow, return, drain and ring changes (claims 20-27,
// 32-39). It is a min-cost flow on the ring. Sessions that no member of their pair
// can deliver are given to any edge that has room; what no edge at all has room
// for is told.
func Settle(p *wire.Placement, loads []Load, anchor Anchor) Plan {
	return SettleTables(p, TablesOf(p, loads), anchor)
}

// SettleTables is Settle for one who holds the tables themselves (the simulator,
// with a million sessions). They are only read; a pair without one is empty.
func SettleTables(p *wire.Placement, tables map[wire.PairID]*Table, anchor Anchor) Plan {
	s := newSettling(p, tables, anchor)
	s.augment(s.source, s.sink)
	return s.plan()
}

// Prices of moving one session. To move one from one member to the other costs two
// steps, by way of the pair; to give one to an edge that is no member costs more
// than any way round the ring, since that edge asks the origin, and a little less
// where it is with that edge already.
const (
	stepPrice  = 1
	spillPrice = 1 << 20
	newSpill   = spillPrice + 2*stepPrice
)

// settling is the ring as a network: edges and pairs are nodes. What a pair's
// members have at the anchor flows from the source into those that have too many,
// and sessions without a living member into their pair; it ends in the edges that
// have room.
type settling struct {
	*network
	p        *wire.Placement
	tables   map[wire.PairID]*Table
	node     map[string]int // of an edge
	hub      int            // the way to any edge that takes spill-over
	source   int
	sink     int
	spare    []int // capacity left at the anchor, by edge; negative: excess
	excess   []int // the arc from the source, by edge; -1: none
	spillers []int // the arc from the hub, by edge
	divided  []division
}

// division is one pair in the network: who has how many of its sessions.
type division struct {
	q         *wire.Pair
	t         *Table
	near      int  // the boundary that it wants to have
	low, high side // the members
	spills    []side
	orphans   int // the arc from the source, of a pair without living members; -1: it has one
	toHub     int
}

// side is an edge's part of a pair.
type side struct {
	edge       int // node; -1: it does not deliver
	want       int // sessions at the anchor
	give, take int // arcs to the pair and from it; -1: none
}

func newSettling(p *wire.Placement, tables map[wire.PairID]*Table, anchor Anchor) *settling {
	n := len(p.Edges)
	s := &settling{
		network: newNetwork(n+len(p.Pairs)+3, 6*len(p.Pairs)+3*n), p: p, tables: tables, node: make(map[string]int, n),
		hub: n + len(p.Pairs), source: n + len(p.Pairs) + 1, sink: n + len(p.Pairs) + 2,
		spare: make([]int, n), excess: make([]int, n), spillers: make([]int, n), divided: make([]division, len(p.Pairs)),
	}
	for i, e := range p.Edges {
		s.node[e.Name] = i
		s.spare[i] = Grants(p, e.Name)
	}
	for i := range p.Pairs {
		s.divide(i, anchor)
	}
	for i, e := range p.Edges {
		s.spillers[i] = s.link(s.hub, i, nobodysLimit, leaverPrice(e.State)) // who does not deliver has no way on from there
		s.excess[i] = -1
		if left := s.spare[i]; left < 0 {
			s.excess[i] = s.link(s.source, i, -left, 0)
		} else if left > 0 {
			s.link(i, s.sink, left, 0)
		}
	}
	return s
}

// leaverPrice is what spill-over costs besides at an edge that leaves: better than nobody.
func leaverPrice(state wire.EdgeState) int {
	if Opens(state) {
		return 0
	}
	return spillPrice
}

// nobodysLimit is more than all sessions of a cluster.
const nobodysLimit = 1 << 40

// divide puts a pair's sessions where they are at the anchor: on both sides of its
// boundary, all at its only living member, or nowhere.
func (s *settling) divide(i int, anchor Anchor) {
	q := &s.p.Pairs[i]
	d := &s.divided[i]
	d.q, d.t, d.near, d.orphans = q, tableOf(q, s.tables), q.Boundary, -1
	if anchor == AnchorHome {
		d.near = q.Home
	}
	pair, taken := len(s.p.Edges)+i, d.t.Taken()
	d.low, d.high = s.member(q.Low), s.member(q.High)
	switch {
	case d.low.edge >= 0 && d.high.edge >= 0:
		d.low.want = d.t.Below(d.near)
		d.high.want = taken - d.low.want
	case d.low.edge >= 0:
		d.low.want, d.near = taken, q.Slots
	case d.high.edge >= 0:
		d.high.want, d.near = taken, 0
	default:
		d.orphans, d.near = s.link(s.source, pair, taken, 0), q.Boundary
	}
	for _, m := range []*side{&d.low, &d.high} {
		if m.edge >= 0 {
			s.spare[m.edge] -= m.want
			m.give = s.link(m.edge, pair, m.want, stepPrice)
			m.take = s.link(pair, m.edge, taken, stepPrice) // at most what the other one gives
		}
	}
	for _, a := range q.Adopted {
		g := s.member(a.Edge)
		if g.edge < 0 {
			continue
		}
		g.want = d.t.Below(a.To) - d.t.Below(a.From)
		g.take = s.link(pair, g.edge, g.want, spillPrice+leaverPrice(s.p.Edges[g.edge].State))
		d.spills = append(d.spills, g)
	}
	d.toHub = s.link(pair, s.hub, taken, newSpill)
}

// member is an edge's side of a pair, empty when it does not deliver.
func (s *settling) member(name string) side {
	if n, ok := s.node[name]; ok && Delivers(s.p.Edges[n].State) {
		return side{edge: n, give: -1, take: -1}
	}
	return side{edge: -1, give: -1, take: -1}
}

// has is how many sessions of its pair a member has in the end.
func (s *settling) has(m side) int {
	n := 0
	if m.edge >= 0 {
		n = m.want - s.carried(m.give) + s.carried(m.take)
	}
	return n
}

// plan turns the flow into boundaries and spill-over, and says what changes.
func (s *settling) plan() Plan {
	var plan Plan
	through := make([]int, len(s.p.Edges)) // what edges get as spill-over by way of the hub
	for i := range through {
		through[i] = s.carried(s.spillers[i])
	}
	for i := range s.divided {
		d := &s.divided[i]
		end, given := s.lay(d, through)
		if end != d.q.Boundary {
			plan.Boundaries = append(plan.Boundaries, wire.BoundaryMove{Pair: d.q.ID, Before: d.q.Boundary, After: end})
		}
		if !slices.Equal(given, d.q.Adopted) {
			plan.Adopted = append(plan.Adopted, PairAdoption{Pair: d.q.ID, Slots: given})
		}
		plan.Moved += moved(d.q, d.t, end, given)
		if d.orphans >= 0 {
			plan.Lost += d.t.Taken() - s.carried(d.orphans)
		}
	}
	for i, e := range s.p.Edges {
		if a := s.excess[i]; a >= 0 && s.arcs[a].room > 0 {
			plan.Excess = append(plan.Excess, EdgeExcess{Edge: e.Name, Over: s.arcs[a].room})
			plan.Lost += s.arcs[a].room
		}
	}
	return plan
}

// TablesOf are the tables that loads describe; of two loads of one pair the last
// counts, those of unknown pairs are left out.
func TablesOf(p *wire.Placement, loads []Load) map[wire.PairID]*Table {
	tables := make(map[wire.PairID]*Table, len(loads))
	for _, l := range loads {
		if q, ok := p.Pair(l.Pair); ok {
			tables[l.Pair] = TableOf(q.Slots, l.Taken)
		}
	}
	return tables
}

// tableOf is a pair's table, an empty one when there is none.
func tableOf(q *wire.Pair, tables map[wire.PairID]*Table) *Table {
	if t := tables[q.ID]; t != nil {
		return t
	}
	return NewTable(q.Slots)
}
