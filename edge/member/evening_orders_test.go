package member

import (
	"maps"
	"slices"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// reported are the tables as the balancers have them, and the version of the placement
// that all had followed who told them.
type reported struct {
	loads []ring.Load
	told  uint64
}

// apply carries a command out, by the tables as they are, or as they were a while ago.
func (v *evening) apply(c placement.Command) {
	if v.leaderless {
		return
	}
	if c.Loads = v.report().loads; v.stale && v.reported.loads != nil {
		c.Loads = v.reported.loads
	}
	b, err := c.Encode()
	if err != nil {
		v.t.Fatal(err)
	}
	before := v.state.Placement()
	v.index++
	result := v.state.Apply(v.index, b)
	v.spills(before, c.Loads)
	v.fits(before, &c, &result)
}

// report is what the balancers hear of all that are not dead by the placement.
func (v *evening) report() (r reported) {
	p := v.state.Placement()
	r.told = p.Version
	taken := map[wire.PairID]*ring.Table{}
	for _, name := range v.names() {
		n := v.edges[name]
		e, there := p.Edge(name)
		if n.tables == nil || there && e.State == wire.EdgeDown {
			continue
		}
		if ring.InRing(e.State) && there {
			r.told = min(r.told, n.placement.Version)
		}
		for _, t := range n.tables.list() {
			if taken[t.pair.ID] == nil {
				taken[t.pair.ID] = ring.NewTable(1 << 10)
			}
			for _, run := range t.load().Taken {
				for slot := run.From; slot < run.To; slot++ {
					taken[t.pair.ID].Set(slot)
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(taken)) {
		r.loads = append(r.loads, ring.Load{Pair: id, Taken: taken[id].Runs()})
	}
	return r
}

// fits: by the tables that a command was made with nobody has more than it can deliver,
// and no session is nobody's, but for what is more than all can: as internal/sim has it.
func (v *evening) fits(before *wire.Placement, c *placement.Command, r *placement.Result) {
	p := v.state.Placement()
	settles := []placement.Kind{placement.EdgeDown, placement.EdgeReady, placement.Drain, placement.Resume, placement.Left, placement.Settle}
	if r.Err != "" || !slices.Contains(settles, c.Kind) || c.Kind != placement.Settle && !r.Changed {
		return
	}
	if e, ok := before.Edge(c.Name); ok && (!ring.InRing(e.State) && c.Kind == placement.EdgeDown || e.Removing && c.Kind == placement.Resume) {
		return // it only goes, or stays
	}
	count, sessions, room, served := ring.Delivering(p, c.Loads), 0, 0, 0
	for i := range p.Pairs {
		for _, l := range c.Loads {
			if l.Pair == p.Pairs[i].ID {
				sessions += ring.TableOf(p.Pairs[i].Slots, l.Taken).Taken()
			}
		}
	}
	for _, e := range p.Edges {
		if ring.Delivers(e.State) {
			room += e.Capacity
			served += min(count[e.Name], e.Capacity)
		}
	}
	if served != min(sessions, room) {
		v.t.Fatalf("%s %s: of %d sessions %d are delivered, and the edges have room for %d: %v", c.Kind, c.Name, sessions, served, room, count)
	}
}

// makeRoom moves a boundary, as the balancers do for a viewer who opens where the chosen
// member's side is full, or an edge's pairs are; or makes home where it is.
func (v *evening) makeRoom() {
	p, r := v.state.Placement(), v.report()
	if v.stale && v.reported.loads != nil {
		r = v.reported
	}
	q := rapid.SampledFrom(p.Pairs).Draw(v.t, "pair")
	tables := ring.TablesOf(p, r.loads)
	to := q.Boundary
	switch rapid.IntRange(0, 2).Draw(v.t, "room") {
	case 0:
		edge := rapid.SampledFrom([]string{q.Low, q.High}).Draw(v.t, "for")
		if tables[q.ID] == nil || edge == "" || len(q.Adopted) > 0 {
			return
		}
		to, _ = ring.Room(p, &q, tables[q.ID], edge, rapid.IntRange(1, 5).Draw(v.t, "most"))
	case 1:
		f := ring.Figures{Delivering: ring.Delivering(p, r.loads), Sum: map[wire.PairID]int{}, Limits: ring.LimitsOf(p)}
		for id, t := range tables {
			f.Sum[id] = t.Taken()
		}
		relief, ok := ring.Relieve(p, f, func() map[wire.PairID]*ring.Table { return tables })
		if !ok {
			return
		}
		of, _ := p.Pair(relief.Pair)
		q, to = *of, relief.Boundary(of, tables[of.ID])
	default:
		for _, e := range ring.Members(p) {
			if e.State != wire.EdgeUp || e.Removing {
				return
			}
		}
	}
	v.apply(placement.Command{Kind: placement.MoveBoundary, Pair: q.ID, Before: q.Boundary, Boundary: to})
}

// settle is what the leader does now and then: it ends retiring pairs that are empty, and
// lets tables shrink.
func (v *evening) settle() {
	told := v.report().told
	if v.stale && v.reported.loads != nil {
		told = v.reported.told
	}
	v.apply(placement.Command{Kind: placement.Settle, Version: told})
	v.handed()
}

// stop is an edge that ends in order: the others take over what it has while it lives.
func (v *evening) stop(e wire.Edge) {
	n := v.edges[e.Name]
	if n.tables == nil || n.cut || e.State != wire.EdgeUp || len(v.delivering()) < 2 {
		return
	}
	v.apply(placement.Command{Kind: placement.EdgeDown, Name: e.Name, Incarnation: e.Incarnation, Cause: wire.CauseStopping})
	v.handed()
}

// fall lets two edges die in one moment, when all have told what they knew: where three
// hold the tables of a pair, and do not leave, no entry is lost.
func (v *evening) fall() {
	if v.leaderless || v.isCut() || len(v.delivering()) < 3 {
		return
	}
	v.interval()
	staying := 0
	for _, e := range v.state.Placement().Edges {
		if n := v.edges[e.Name]; n.tables != nil && ring.HasCopy(e.State) && !ring.Goes(e) {
			staying++
		}
	}
	both := rapid.SliceOfNDistinct(rapid.SampledFrom(v.delivering()), 2, 2, rapid.ID).Draw(v.t, "both")
	told := map[*viewer]bool{}
	for _, w := range v.viewers {
		told[w] = w.told
	}
	for _, name := range both {
		v.edges[name].tables = nil
	}
	v.know()
	for _, w := range v.viewers {
		if told[w] && !w.entry && staying >= 3 {
			v.t.Fatalf("%+v: %v died at once, and nobody of %d has its entry", *w, both, staying)
		}
	}
	for _, name := range both {
		e, _ := v.state.Placement().Edge(name)
		v.apply(placement.Command{Kind: placement.EdgeDown, Name: name, Incarnation: e.Incarnation})
	}
}
