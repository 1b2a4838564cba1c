package member

import (
	"slices"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// majority is lost by the balancers, or they have one again: then the deaths come true
// that nobody could commit.
func (v *evening) majority() {
	if !v.leaderless {
		v.leaderless = !v.isCut()
		return
	}
	v.leaderless = false
	for _, e := range v.state.Placement().Edges {
		if v.edges[e.Name].tables == nil && e.State != wire.EdgeDown {
			v.apply(placement.Command{Kind: placement.EdgeDown, Name: e.Name, Incarnation: e.Incarnation})
		}
	}
}

// standIn lets an edge stand in, without a majority, for a neighbour that it does not
// hear: that is dead, or only does not reach it.
func (v *evening) standIn(e wire.Edge) {
	n := v.edges[e.Name]
	if !v.leaderless || n.tables == nil {
		return
	}
	var neighbours []string
	for _, q := range n.placement.Pairs {
		for _, m := range [2][2]string{{q.Low, q.High}, {q.High, q.Low}} {
			if m[0] == n.name && m[1] != "" && v.edges[m[1]] != nil && !slices.Contains(neighbours, m[1]) {
				neighbours = append(neighbours, m[1])
			}
		}
	}
	if len(neighbours) == 0 {
		return
	}
	name := rapid.SampledFrom(neighbours).Draw(v.t, "silent")
	other, _ := n.placement.Edge(name)
	if v.edges[name].tables != nil {
		n.deaf[name] = true
	}
	n.dead = append(n.dead, ring.Life{Edge: name, Incarnation: other.Incarnation})
	v.show(n)
}

// hear lets all hear each other who are alive: who stood in for one of them does no more.
func (v *evening) hear() {
	for _, name := range v.names() {
		n := v.edges[name]
		if n.tables == nil || n.cut || len(n.dead)+len(n.deaf) == 0 {
			continue
		}
		clear(n.deaf)
		n.dead = slices.DeleteFunc(n.dead, func(life ring.Life) bool {
			other := v.edges[life.Edge]
			return other == nil || other.tables != nil || other.incarnation != life.Incarnation
		})
		v.show(n)
	}
}

// routed is what the balancers lead viewers by: while nobody can commit a death, what
// those say who stand in for a neighbour that does not report.
func (v *evening) routed() *wire.Placement {
	var dead []ring.Life
	for _, n := range v.edges {
		if n.tables == nil || n.cut {
			continue
		}
		for _, life := range n.dead {
			if other := v.edges[life.Edge]; other != nil && other.tables == nil {
				dead = append(dead, life)
			}
		}
	}
	return ring.Overlay(v.state.Placement(), dead)
}
