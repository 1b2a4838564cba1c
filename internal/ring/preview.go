package ring

import (
	"maps"
	"slices"
	"sort"

	"tandem/internal/wire"
)

// PreviewOrder tells what an operator's order would do to an edge ("drain", "remove",
// "accept"), where those that leave already have left: who goes on by them now has to
// find room as well. Nothing for an order that moves nobody.
func PreviewOrder(p *wire.Placement, order string, e wire.Edge, loads []Load) wire.Preview {
	switch {
	case order == "remove" && InRing(e.State) && !Goes(e):
		return PreviewRemove(p, e.Name, loads)
	case order == "accept":
		return PreviewAccept(p, e, loads)
	case order == "drain" && e.State == wire.EdgeUp:
		return Preview(p, e.Name, loads)
	}
	return wire.Preview{Edge: e.Name}
}

// Preview tells what a drain of an edge would do.
func Preview(p *wire.Placement, edge string, loads []Load) wire.Preview {
	p = withoutLeavers(p, loads)
	after, plan := Without(p, edge, loads, wire.EdgeDraining)
	return previewed(p, after, plan, edge, loads)
}

// PreviewRemove tells what the cluster is when an edge has been taken out: what it
// delivers now its successors deliver then.
func PreviewRemove(p *wire.Placement, edge string, loads []Load) wire.Preview {
	p = withoutLeavers(p, loads)
	gone := Leave(p, edge)
	plan := Settle(gone, loads, AnchorHome)
	return previewed(p, plan.ApplyTo(gone), plan, edge, loads)
}

// withoutLeavers is the cluster when those that leave it have left.
func withoutLeavers(p *wire.Placement, loads []Load) *wire.Placement {
	next := p
	for _, e := range p.Edges {
		if Goes(e) {
			next = Leave(next, e.Name)
		}
	}
	if next == p {
		return p
	}
	return Settle(next, loads, AnchorHome).ApplyTo(next)
}

// PreviewJoin tells what the cluster is when an edge has joined, one that waits to be
// accepted or one that is not known yet.
func PreviewJoin(p *wire.Placement, e wire.Edge, loads []Load) wire.Preview {
	p = withoutLeavers(p, loads)
	next := *p
	next.Edges = slices.DeleteFunc(slices.Clone(p.Edges), func(o wire.Edge) bool { return o.Name == e.Name })
	if e.After == "" && e.Zone != "" {
		e.After = PlaceFor(p, e)
	}
	e.State = wire.EdgeJoining
	next.Edges = append(next.Edges, e)
	joined := Join(next.Index(), e.Name, e.After)
	plan := Settle(joined, loads, AnchorHome)
	answer := previewed(p, plan.ApplyTo(joined), plan, e.Name, loads)
	answer.Lowers = Lowers(p, e)
	return answer
}

// PreviewAccept tells what it would do to accept an edge that waits for that: to join,
// or to have the capacity that it asks for.
func PreviewAccept(p *wire.Placement, e wire.Edge, loads []Load) wire.Preview {
	if !InRing(e.State) {
		return PreviewJoin(p, e, loads)
	}
	p = withoutLeavers(p, loads)
	next := *p
	next.Edges = slices.Clone(p.Edges)
	for i := range next.Edges {
		if o := &next.Edges[i]; o.Name == e.Name && o.Asks > 0 {
			o.Capacity, o.Asks = o.Asks, 0
			e = *o
		}
	}
	plan := Settle(&next, loads, AnchorCurrent)
	answer := previewed(p, plan.ApplyTo(&next), plan, e.Name, loads)
	answer.Lowers = Lowers(p, e)
	return answer
}

// previewed compares the cluster before and after what happens to an edge.
func previewed(before, after *wire.Placement, plan Plan, edge string, loads []Load) wire.Preview {
	after = Fit(after, loads, 0) // tables grow with the change
	answer := wire.Preview{
		Edge: edge, Moves: Moved(before, after, loads), Boundaries: Chain(after, edge, boundaryMoves(before, after)),
		Excess: max(plan.Lost-Settle(before, loads, AnchorCurrent).Lost, 0), // not those who have no edge now
		Margin: narrowest(Margins(after, loads)), MarginNow: narrowest(Margins(before, loads)), Limit: admitted(after), LimitNow: admitted(before),
	}
	count := Delivering(after, loads)
	for _, e := range after.Edges {
		if !Delivers(e.State) {
			continue
		}
		// the fullest is the one with the highest share of its capacity
		if answer.Peak == "" || count[e.Name]*answer.PeakCap > answer.PeakLoad*e.Capacity {
			answer.Peak, answer.PeakLoad, answer.PeakCap = e.Name, count[e.Name], e.Capacity
		}
	}
	answer.PeakLoad = min(answer.PeakLoad, answer.PeakCap) // who is above it loses their edge: Excess
	return answer
}

// boundaryMoves are the boundaries that two placements differ in, of the pairs that both
// have.
func boundaryMoves(before, after *wire.Placement) []wire.BoundaryMove {
	var moves []wire.BoundaryMove
	for _, q := range after.Pairs {
		if was, ok := before.Pair(q.ID); ok && was.Boundary != q.Boundary {
			moves = append(moves, wire.BoundaryMove{Pair: q.ID, Before: was.Boundary, After: q.Boundary})
		}
	}
	return moves
}

// admitted is how many sessions the edges are given, all together.
func admitted(p *wire.Placement) int {
	limits, sum := LimitsOf(p), 0
	for _, e := range p.Edges {
		if Opens(e.State) {
			sum += limits[e.Name]
		}
	}
	return sum
}

// narrowest is the smallest margin, 0 where nobody delivers.
func narrowest(margins map[string]int) int {
	if len(margins) == 0 {
		return 0
	}
	return slices.Min(slices.Collect(maps.Values(margins)))
}

// Chain orders boundary moves as the document does (figures 14 and 15): first
// the two tables of the edge they begin at, then the next ones round the ring
// in both directions.
func Chain(p *wire.Placement, edge string, moves []wire.BoundaryMove) []wire.BoundaryMove {
	members := Members(p)
	at := make(map[string]int, len(members))
	for i, e := range members {
		at[e.Name] = i
	}
	n, start := len(members), at[edge]
	distance := func(name string) int {
		d := (at[name] - start + n) % n
		return min(d, n-d)
	}
	far := func(m wire.BoundaryMove) int {
		q, ok := p.Pair(m.Pair)
		if !ok || q.High == "" {
			return 0
		}
		return distance(q.Low) + distance(q.High)
	}
	out := append([]wire.BoundaryMove(nil), moves...)
	sort.SliceStable(out, func(i, j int) bool { return far(out[i]) < far(out[j]) })
	return out
}
