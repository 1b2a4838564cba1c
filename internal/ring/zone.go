package ring

import (
	"slices"

	"tandem/internal/wire"
)

// A zone is what edges may be lost together with: a host, a rack, a power supply. Of
// an edge without one nothing is known, so it is in nobody's. Neighbours should be in
// different zones, since they hold the same streams and tables.

// together tells whether two edges may be lost at once.
func together(a, b wire.Edge) bool { return a.Zone != "" && a.Zone == b.Zone }

// apart orders edges so that neighbours round the ring are in different zones where
// that can be: as they are if that does it, else zone by zone, the largest first, into
// every other place. A zone with more than half of the edges has neighbours in any
// order.
func apart(edges []wire.Edge) []wire.Edge {
	if conflicts(edges) == 0 {
		return edges
	}
	var zones [][]wire.Edge
	for _, e := range edges {
		i := slices.IndexFunc(zones, func(z []wire.Edge) bool { return together(z[0], e) })
		if i < 0 {
			zones = append(zones, []wire.Edge{e})
		} else {
			zones[i] = append(zones[i], e)
		}
	}
	slices.SortStableFunc(zones, func(a, b []wire.Edge) int { return len(b) - len(a) })
	laid, at := make([]wire.Edge, len(edges)), 0
	for _, e := range slices.Concat(zones...) {
		laid[at] = e
		if at += 2; at >= len(laid) {
			at = 1
		}
	}
	return laid
}

// conflicts counts neighbours round the ring that are in one zone.
func conflicts(members []wire.Edge) int {
	n := 0
	for i, e := range members {
		if next := members[(i+1)%len(members)]; next.Name != e.Name && together(e, next) {
			n++
		}
	}
	return n
}

// SameZone are the pairs whose members are in one zone: with that, both copies of what
// they hold are lost.
func SameZone(p *wire.Placement) []wire.PairID {
	var pairs []wire.PairID
	for i := range p.Pairs {
		q := &p.Pairs[i]
		low, _ := p.Edge(q.Low)
		high, ok := p.Edge(q.High)
		if ok && together(low, high) {
			pairs = append(pairs, q.ID)
		}
	}
	return pairs
}

// PlaceFor is the member behind which a new edge is best put: where fewest neighbours
// are then in one zone; of equals the last, so that an edge without a zone goes to the
// end of the ring. "" in an empty ring.
func PlaceFor(p *wire.Placement, e wire.Edge) string {
	members := Members(p)
	after, fewest := "", 0
	for i := range members {
		n := conflicts(slices.Insert(slices.Clone(members), i+1, e))
		if after == "" || n <= fewest {
			after, fewest = members[i].Name, n
		}
	}
	return after
}

// ZoneLosses are the zones and what the loss of all their edges at once would cost,
// by name: a row each beside the deaths of single edges (Margins).
func ZoneLosses(p *wire.Placement, loads []Load) []wire.ZoneLoss {
	var names []string
	for _, e := range p.Edges {
		if e.Zone != "" && Delivers(e.State) && !slices.Contains(names, e.Zone) {
			names = append(names, e.Zone)
		}
	}
	slices.Sort(names)
	losses := make([]wire.ZoneLoss, 0, len(names))
	for _, zone := range names {
		next := *p
		next.Edges = slices.Clone(p.Edges)
		row := wire.ZoneLoss{Zone: zone}
		for i := range next.Edges {
			if next.Edges[i].Zone == zone && Delivers(next.Edges[i].State) {
				next.Edges[i].State = wire.EdgeDown
				row.Edges = append(row.Edges, next.Edges[i].Name)
			}
		}
		plan := Settle(&next, loads, AnchorCurrent)
		after := plan.ApplyTo(&next)
		row.Lost, row.Given, row.Margin = plan.Lost, spilled(after, loads), roomLeft(after, loads, plan)
		losses = append(losses, row)
	}
	return losses
}

// spilled counts the sessions that are delivered by an edge outside their pair.
func spilled(p *wire.Placement, loads []Load) int {
	n := 0
	for _, l := range loads {
		q, ok := p.Pair(l.Pair)
		if !ok {
			continue
		}
		t := TableOf(q.Slots, l.Taken)
		for _, part := range Parts(p, q) {
			if part.Owner != "" && part.Owner != q.Low && part.Owner != q.High {
				n += t.Below(part.To) - t.Below(part.From)
			}
		}
	}
	return n
}

// roomLeft is the least capacity that an edge has left, below 0 by what is lost.
func roomLeft(p *wire.Placement, loads []Load, plan Plan) int {
	if plan.Lost > 0 {
		return -plan.Lost
	}
	count, margin, some := Delivering(p, loads), 0, false
	for _, e := range p.Edges {
		if Delivers(e.State) && (!some || e.Capacity-count[e.Name] < margin) {
			margin, some = e.Capacity-count[e.Name], true
		}
	}
	return margin
}
