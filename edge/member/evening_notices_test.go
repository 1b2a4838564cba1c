package member

import (
	"slices"

	"pgregory.net/rapid"

	"tandem/edge/recovery"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// notices lets every edge tell those that watch, once. Lost: what may happen to one
// on its way does.
func (v *evening) notices(lost *rapid.T) {
	late := v.late
	v.late = nil
	for _, arrive := range late {
		if lost == nil || rapid.Bool().Draw(lost, "arrives") {
			arrive()
		} else {
			v.late = append(v.late, arrive)
		}
	}
	for _, name := range v.names() {
		n := v.edges[name]
		if n.tables == nil {
			continue
		}
		for _, t := range n.tables.list() {
			ways := t.ways()
			slices.SortFunc(ways, func(a, b noticeWay) int { return len(a.to)*1000 + int(a.to[1]) - len(b.to)*1000 - int(b.to[1]) })
			for _, way := range ways {
				v.notice(n, t, way.to, lost)
			}
		}
	}
}

func (v *evening) notice(n *node, t *table, to string, lost *rapid.T) {
	o := t.notice(to, n.incarnation, n.tables.sequence.Add(1), n.placement.Version)
	fate := 3
	if lost != nil {
		fate = rapid.IntRange(0, 4).Draw(lost, "fate")
	}
	switch {
	case o == nil || fate == 0:
	case fate == 4 && o.notice.Covers.To == 0: // later ones may overtake it
		v.late = append(v.late, func() { v.arrive(n, t, to, o, 3) })
	default:
		v.arrive(n, t, to, o, fate)
	}
}

func (v *evening) arrive(n *node, t *table, to string, o *outgoing, fate int) {
	other := v.edges[to]
	if other == nil || other.tables == nil || n.cut != other.cut || other.deaf[n.name] || n.deaf[to] {
		return
	}
	sent, err := wire.DecodeNotice(o.notice.Append(nil))
	if err != nil {
		v.t.Fatal(err)
	}
	from, ok := other.placement.Edge(n.name)
	table := other.tables.table(sent.Pair)
	taken := ok && from.Incarnation <= sent.Incarnation && table != nil && table.take(sent)
	switch {
	case fate == 1: // the answer is lost
	case taken:
		t.acknowledged(o)
	default:
		t.refused(o)
	}
}

// ready is what edges say when they hold the tables that they have to hold.
func (v *evening) ready() {
	for _, e := range v.state.Placement().Edges {
		n := v.edges[e.Name]
		if n.tables == nil || n.cut || !recovery.Due(n.placement, n.name) || !n.tables.complete() {
			continue
		}
		self, _ := n.placement.Edge(n.name)
		if self.State == wire.EdgeJoining || self.State == wire.EdgeRecovering {
			v.apply(placement.Command{Kind: placement.EdgeReady, Name: n.name, Incarnation: n.incarnation, Version: n.placement.Version})
			v.handed()
		}
	}
	for _, e := range v.state.Placement().Edges {
		version := v.state.Placement().Version
		for _, name := range ring.Successors(v.state.Placement(), e.Name) {
			if n := v.edges[name]; n.tables != nil && n.tables.complete() {
				version = min(version, n.placement.Version)
			} else {
				version = 0
			}
		}
		if ring.Goes(e) && version >= e.Since {
			v.apply(placement.Command{Kind: placement.Left, Name: e.Name, Version: version})
			v.handed()
			break // the ring is another one now
		}
	}
	for name, n := range v.edges {
		if _, ok := v.state.Placement().Edge(name); !ok {
			n.tables = nil
			delete(v.edges, name)
		}
	}
	v.know()
}
