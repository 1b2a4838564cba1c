package ring

import (
	"slices"
	"sort"

	"tandem/internal/wire"
)

// Preview tells what a drain of an edge would do.
func Preview(p *wire.Placement, edge string, loads []Load) wire.Preview {
	after, plan := Without(p, edge, loads, wire.EdgeDraining)
	return previewed(p, after, plan, edge, loads)
}

// PreviewRemove tells what the cluster is when an edge has been taken out: what it
// delivers now its successors deliver then.
func PreviewRemove(p *wire.Placement, edge string, loads []Load) wire.Preview {
	gone := Leave(p, edge)
	plan := Settle(gone, loads, AnchorHome)
	return previewed(p, plan.ApplyTo(gone), plan, edge, loads)
}

// PreviewJoin tells what the cluster is when an edge has joined, one that waits to be
// accepted or one that is not known yet.
func PreviewJoin(p *wire.Placement, e wire.Edge, loads []Load) wire.Preview {
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

// previewed compares the cluster before and after what happens to an edge.
func previewed(before, after *wire.Placement, plan Plan, edge string, loads []Load) wire.Preview {
	answer := wire.Preview{Edge: edge, Moves: Moved(before, after, loads), Boundaries: Chain(after, edge, plan.Boundaries), Excess: plan.Lost}
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
	first := true
	for _, margin := range Margins(after, loads) { // the least: the order is no matter
		if first || margin < answer.Margin {
			answer.Margin, first = margin, false
		}
	}
	return answer
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
