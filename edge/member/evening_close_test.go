package member

import (
	"slices"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// close is a viewer who ends its session, where that is delivered.
func (v *evening) close() {
	if len(v.viewers) == 0 {
		return
	}
	i := rapid.IntRange(0, len(v.viewers)-1).Draw(v.t, "closes")
	w := v.viewers[i]
	p := v.routed()
	q, ok := p.Pair(w.id.Pair)
	if !ok {
		return
	}
	edge, partner := ring.Route(p, q, w.id.Slot)
	for _, name := range []string{edge, partner} {
		n := v.edges[name]
		if n == nil || n.tables == nil || n.cut {
			continue
		}
		if _, ended := n.tables.close(w.id); ended {
			v.viewers = append(v.viewers[:i:i], v.viewers[i+1:]...)
			v.closed = append(v.closed, w)
			if v.calm == v.steady() {
				w.steady = v.calm
			}
			return
		}
	}
}

// steady is the version that everybody follows who is alive, 0 where somebody does not,
// is cut off, or stands in by its own word, or has died and nobody could commit that.
func (v *evening) steady() uint64 {
	p := v.state.Placement()
	for _, n := range v.edges {
		if e, _ := p.Edge(n.name); n.tables == nil && ring.Delivers(e.State) {
			return 0
		}
		if n.tables != nil && (n.cut || len(n.dead)+len(n.deaf) > 0 || n.placement.Version != p.Version) {
			return 0
		}
	}
	return p.Version
}

// ended: a session that was closed is nowhere after what is known has been told, and
// never comes back. Where the ring had just changed as it closed, one that had not told
// all yet may bring it back; it ends when nobody asks for it.
func (v *evening) ended() {
	for _, w := range v.closed {
		held := ""
		for _, name := range v.names() {
			if v.edges[name].session(w.id) != nil {
				held = name
			}
		}
		if held != "" && (w.gone || w.steady != 0 && w.steady == v.steady()) {
			v.t.Fatalf("%+v: closed, and %s has it", *w, held)
		}
		w.gone = held == ""
	}
	v.calm = v.steady()
}

// spills: slots are given to an edge that is no member only where nobody has room to
// whom members hand on what they have, from pair to pair; by the tables that the commit
// was made with.
func (v *evening) spills(before *wire.Placement, loads []ring.Load) {
	p := v.state.Placement()
	has, in := map[string]int{}, map[wire.PairID]map[string]int{} // sessions of an edge, and of it in a pair
	for i := range p.Pairs {
		q, taken := &p.Pairs[i], ring.NewTable(p.Pairs[i].Slots)
		for _, l := range loads {
			if l.Pair == q.ID {
				taken = ring.TableOf(q.Slots, l.Taken)
			}
		}
		in[q.ID] = map[string]int{}
		for _, part := range ring.Parts(p, q) {
			n := taken.Below(part.To) - taken.Below(part.From)
			has[part.Owner] += n
			in[q.ID][part.Owner] += n
		}
	}
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if was, ok := before.Pair(q.ID); ok && slices.Equal(was.Adopted, q.Adopted) {
			continue
		}
		for _, a := range q.Adopted {
			if in[q.ID][a.Edge] == 0 {
				continue
			}
			for _, name := range handsOnTo(p, q, in) {
				if e, _ := p.Edge(name); has[name] < e.Capacity {
					v.t.Fatalf("pair %d: %s, no member, is given %d to %d, and %s has %d of %d", q.ID, a.Edge, a.From, a.To, name, has[name], e.Capacity)
				}
			}
		}
	}
}

// handsOnTo are the members of a pair that deliver, and those to whom they, or others
// of these, can hand on what they have in another pair.
func handsOnTo(p *wire.Placement, of *wire.Pair, in map[wire.PairID]map[string]int) (list []string) {
	add := func(name string) {
		if e, ok := p.Edge(name); ok && ring.Delivers(e.State) && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	add(of.Low)
	add(of.High)
	for at := 0; at < len(list); at++ {
		for i := range p.Pairs {
			if q := &p.Pairs[i]; (q.Low == list[at] || q.High == list[at]) && in[q.ID][list[at]] > 0 {
				add(q.Low)
				add(q.High)
			}
		}
	}
	return list
}
