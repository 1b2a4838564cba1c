package api

import (
	"fmt"

	"tandem/internal/wire"
)

// viewersOf says who serves the viewers of edges, one or more, that do not.
func (v *judgement) viewersOf(edges ...*wire.EdgeStatus) string {
	held, sessions := map[string]int{}, 0
	var order []string
	add := func(edge string, n int) {
		if n <= 0 {
			return
		}
		if held[edge] == 0 {
			order = append(order, edge)
		}
		held[edge] += n
		sessions += n
	}
	for _, e := range edges {
		for i := range v.s.Pairs {
			inPlaceOf(e.Name, &v.s.Pairs[i], add)
		}
	}
	its := "its"
	if len(edges) > 1 {
		its = "their"
	}
	switch {
	case sessions == 0 && edges[0].State == wire.EdgeDown:
		return "none of " + its + " viewers is waiting"
	case sessions == 0:
		return "nobody is served in its place"
	case sessions == 1:
		return its + " 1 viewer is on " + enumerate(order)
	}
	return fmt.Sprintf("%s %d viewers are on %s", its, sessions, enumerate(order))
}

// inPlaceOf adds the sessions of a pair that are an edge's at home, by who delivers
// them.
func inPlaceOf(missing string, p *wire.PairStatus, add func(edge string, n int)) {
	from, to := p.Home, p.Slots
	switch missing {
	case p.Low:
		from, to = 0, p.Home
	case p.High:
	default:
		return
	}
	if len(p.Adopted) > 0 {
		for _, a := range p.Adopted {
			add(a.Edge, within(p.Taken, max(from, a.From), min(to, a.To)))
		}
		return
	}
	if missing == p.Low {
		add(p.High, within(p.Taken, max(from, p.Boundary), to))
	} else {
		add(p.Low, within(p.Taken, from, min(to, p.Boundary)))
	}
}

func within(taken []wire.Run, from, to int) (n int) {
	for _, run := range taken {
		n += max(0, min(run.To, to)-max(run.From, from))
	}
	return n
}
