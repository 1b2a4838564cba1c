package member

import (
	"slices"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// cut takes the cable out of a host with an edge and the one behind it: they hear each
// other and nobody else. The balancers make both deaths true, one after the other, while
// the two go on by the placement that they have, and stand in for whom they do not hear.
// False: it is no member, or nobody would be left.
func (v *evening) cut(e wire.Edge) bool {
	p := v.state.Placement()
	both := []string{e.Name}
	for i := range p.Pairs {
		if q := &p.Pairs[i]; q.Low == e.Name && !q.Retiring && q.High != "" {
			both = append(both, q.High)
		}
	}
	left := slices.DeleteFunc(v.delivering(), func(name string) bool { return slices.Contains(both, name) })
	if v.isCut() || v.leaderless || len(left) == 0 || !ring.InRing(e.State) || v.edges[e.Name].tables == nil {
		return false
	}
	for _, name := range both {
		v.edges[name].cut = v.edges[name].tables != nil
	}
	v.know()
	for _, name := range both {
		n := v.edges[name]
		if n.tables == nil {
			continue
		}
		n.dead = v.unheard(n)
		v.show(n)
		edge, _ := v.state.Placement().Edge(name)
		v.apply(placement.Command{Kind: placement.EdgeDown, Name: name, Incarnation: edge.Incarnation})
	}
	return true
}

// unheard are the lives that an edge which is cut off finds dead.
func (v *evening) unheard(n *node) (lives []ring.Life) {
	for _, e := range n.placement.Edges {
		if other := v.edges[e.Name]; other != nil && !other.cut {
			lives = append(lives, ring.Life{Edge: e.Name, Incarnation: e.Incarnation})
		}
	}
	return lives
}

func (v *evening) isCut() bool {
	for _, n := range v.edges {
		if n.cut {
			return true
		}
	}
	return false
}

// mend puts the cable in again: who finds itself declared dead comes back as a new
// life, with the tables that it has.
func (v *evening) mend() {
	for _, name := range v.names() {
		n := v.edges[name]
		if !n.cut {
			continue
		}
		n.cut, n.dead = false, nil
		e, ok := v.state.Placement().Edge(name)
		if !ok {
			continue // it was taken out meanwhile
		}
		n.placement = v.state.Placement()
		v.show(n)
		n.incarnation++
		for _, t := range n.tables.list() {
			t.forgetTelling()
		}
		v.apply(placement.Command{Kind: placement.EdgeUp, Edge: &wire.Edge{Name: name, Capacity: e.Capacity, Incarnation: n.incarnation}})
	}
}

// allAsk: what every viewer asks for is delivered within a session while the living
// edges have room for all of them. Of whom only the dead knew nobody has kept room: they
// ask last, and who is refused of those is placed anew by the balancers, where there is
// room; so is who has a slot that was another viewer's too, as it moved.
func (v *evening) allAsk() {
	v.hear()
	v.follow(nil)
	v.know()
	room := 0
	for _, e := range v.state.Placement().Edges {
		if ring.Delivers(e.State) {
			room += e.Capacity
		}
	}
	slots := map[wire.SessionID]bool{}
	for _, w := range v.viewers {
		slots[wire.SessionID{Pair: w.id.Pair, Slot: w.id.Slot}] = true
	}
	shared := len(slots) < len(v.viewers)
	for _, w := range v.closed {
		shared = shared || !w.gone && slots[wire.SessionID{Pair: w.id.Pair, Slot: w.id.Slot}]
	}
	for _, known := range []bool{true, false} {
		for _, w := range slices.Clone(v.viewers) {
			if w.entry != known {
				continue
			}
			if reason := v.segment(w); reason != "" && known && len(v.viewers) <= room && !shared {
				v.t.Fatalf("%+v: refused (%s), and the living edges have room for %d of %d", *w, reason, room, len(v.viewers))
			}
		}
	}
}

// agree: all that hold a table say the same of who is in it.
func (v *evening) agree() {
	p := v.state.Placement()
	for i := range p.Pairs {
		q := &p.Pairs[i]
		first, by := map[int]uint32(nil), ""
		for _, name := range ring.Watchers(p, q) {
			n := v.edges[name]
			if n == nil || n.tables == nil || n.tables.table(q.ID) == nil {
				continue
			}
			held := map[int]uint32{}
			for slot, s := range n.tables.table(q.ID).sessions {
				if ring.Owner(p, q, slot) != "" {
					held[slot] = s.generation
				}
			}
			if first == nil {
				first, by = held, name
			}
			for slot := range q.Slots {
				if held[slot] != first[slot] {
					v.t.Fatalf("pair %d slot %d: %s holds %d, %s holds %d", q.ID, slot, by, first[slot], name, held[slot])
				}
			}
		}
	}
}
