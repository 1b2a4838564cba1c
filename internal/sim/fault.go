package sim

import (
	"slices"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// change carries out what happens to the ring and settles it: the one path of death,
// return, drain and ring changes. Sessions that nobody has room for end.
func (c *tandem) change(anchor ring.Anchor, happens func()) {
	before := *c.p // the steps change edges and boundaries where they stand
	before.Edges, before.Pairs = slices.Clone(c.p.Edges), slices.Clone(c.p.Pairs)
	happens()
	plan := ring.SettleTables(c.p, c.tables, anchor)
	if len(plan.Boundaries) > 0 || len(plan.Adopted) > 0 {
		c.p = plan.ApplyTo(c.p)
	}
	c.count.Moved += ring.MovedTables(&before, c.p, c.tables)
	c.recount()
	if plan.Lost > 0 {
		c.refuse(plan)
	}
	c.prune()
	c.fit()
}

// fit lets the tables follow their members' capacities. Everybody has heard of
// everything in no time.
func (c *tandem) fit() {
	const all = 1 << 62
	c.p = ring.FitTables(c.p, c.tables, all)
	for i := range c.p.Pairs {
		q := &c.p.Pairs[i]
		t, held := c.tables[q.ID], c.held[q.ID]
		if t.Slots() == q.Slots {
			continue
		}
		t.Resize(q.Slots)
		for len(held) < q.Slots {
			held = append(held, nobody)
		}
		c.held[q.ID] = held[:q.Slots]
	}
}

// resize gives an edge another capacity.
func (c *tandem) resize(name string, capacity int) {
	c.change(ring.AnchorCurrent, func() {
		for i := range c.p.Edges {
			if c.p.Edges[i].Name == name {
				c.p.Edges[i].Capacity = capacity
			}
		}
	})
}

// refuse ends what a plan leaves without an edge: the slots of pairs without
// members that nobody adopted, and the newest sessions of edges above capacity.
func (c *tandem) refuse(plan ring.Plan) {
	over := map[string]int{"": plan.Lost} // "": nobody, all of them
	for _, e := range plan.Excess {
		over[e.Edge] = e.Over
	}
	victims := make(map[string][]int32, len(over))
	for i := range c.p.Pairs {
		q := &c.p.Pairs[i]
		for slot, id := range c.held[q.ID] {
			if id == nobody {
				continue
			}
			if owner := ring.Owner(c.p, q, slot); over[owner] > 0 {
				victims[owner] = append(victims[owner], id)
			}
		}
	}
	owners := []string{""}
	for _, e := range c.p.Edges {
		owners = append(owners, e.Name)
	}
	for _, owner := range owners {
		ids := victims[owner]
		slices.SortFunc(ids, func(a, b int32) int { return int(c.sessions[b].opened - c.sessions[a].opened) })
		for _, id := range ids[:min(over[owner], len(ids))] {
			c.rise(id)
			c.count.Lost++
		}
	}
}

func (c *tandem) turn(name string, state wire.EdgeState) {
	for i := range c.p.Edges {
		if c.p.Edges[i].Name == name {
			c.p.Edges[i].State = state
		}
	}
}

// fail lets edges die in the same moment.
func (c *tandem) fail(names []string) {
	c.change(ring.AnchorCurrent, func() {
		for _, name := range names {
			c.turn(name, wire.EdgeDown)
		}
	})
}

// back is a return: store and tables are filled from the neighbours in no time,
// then the edge is up and all boundaries go home (claims 28-39).
func (c *tandem) back(name string) {
	c.change(ring.AnchorHome, func() { c.turn(name, wire.EdgeUp) })
}

func (c *tandem) drain(name string) {
	c.change(ring.AnchorCurrent, func() { c.turn(name, wire.EdgeDraining) })
}

func (c *tandem) resume(name string) { c.back(name) }

// join takes a new member in, which has copied in no time.
func (c *tandem) join(m Member, after string) {
	c.change(ring.AnchorHome, func() {
		e := wire.Edge{Name: m.Name, Capacity: m.Capacity, Zone: m.Zone, State: wire.EdgeJoining, After: after}
		if after == "" && m.Zone != "" {
			e.After = ring.PlaceFor(c.p, e)
		}
		p := ring.Copy(c.p)
		p.Edges = append(p.Edges, e)
		c.p = ring.Join(p.Index(), m.Name, e.After)
		c.furnish()
	})
}

// leave lets the neighbours of a member copy in no time and closes the ring over
// it. A pair that it leaves to them ends when its last session does.
func (c *tandem) leave(name string) {
	c.change(ring.AnchorHome, func() {
		c.p = ring.Leave(c.p, name)
		c.furnish()
	})
}

// prune ends the retiring pairs that have become empty.
func (c *tandem) prune() {
	var loads []ring.Load
	for i := range c.p.Pairs {
		if q := &c.p.Pairs[i]; q.Retiring && c.tables[q.ID].Taken() == 0 {
			loads = append(loads, ring.Load{Pair: q.ID})
		}
	}
	if len(loads) > 0 {
		c.p = ring.Prune(c.p, loads)
		c.furnish()
	}
}
