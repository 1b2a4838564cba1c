package ring

import (
	"slices"

	"tandem/internal/wire"
)

// Life is one incarnation of an edge.
type Life struct {
	Edge        string
	Incarnation uint64
}

// Overlay is the placement as one sees it who has found these edges dead while
// nobody can commit it: they are down, everything else is as it was, the version
// too. Owner and Route then name the survivor of each pair, as they will after the
// commit; boundaries are not settled, so an edge that is above its capacity by this
// refuses its newest sessions itself. Another incarnation of an edge is another
// life and is left alone. Without a death it is p itself.
func Overlay(p *wire.Placement, dead []Life) *wire.Placement {
	next := p
	for i, e := range p.Edges {
		if e.State == wire.EdgeDown || !slices.Contains(dead, Life{e.Name, e.Incarnation}) {
			continue
		}
		if next == p {
			shown := *p // no name changes its place: the look-up tables are shared
			shown.Edges = slices.Clone(p.Edges)
			next = &shown
		}
		next.Edges[i].State = wire.EdgeDown
	}
	return next
}
