package placement

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// TestAPreviewIsWhatTheOrderDoes: whatever is in the tables, and whatever the edges can
// deliver, a drain, a removal and a joining move the sessions and the boundaries that
// their preview names, and leave the room that it names.
func TestAPreviewIsWhatTheOrderDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, n, loads := drawnCluster(t, rt)
		order := rapid.SampledFrom([]Kind{Drain, Remove, Accept}).Draw(rt, "order")
		name := "e1"
		member := order == Accept && rapid.Bool().Draw(rt, "a member asks for more")
		switch {
		case member:
			more := drawnEdge(rt, 1)
			more.Capacity += 30
			s.must(Command{Kind: EdgeUp, Edge: more, Loads: loads})
		case order == Accept:
			name = fmt.Sprint("e", n+1)
			s.must(Command{Kind: EdgeUp, Edge: drawnEdge(rt, n+1), After: "e1", Loads: loads})
		}
		before := s.state.Placement()
		var preview wire.Preview
		switch order {
		case Drain:
			preview = ring.Preview(before, name, loads)
			s.must(Command{Kind: Drain, Name: name, Loads: loads})
		case Remove:
			preview = ring.PreviewRemove(before, name, loads)
			s.must(Command{Kind: Remove, Name: name, Loads: loads})
			s.must(Command{Kind: Left, Name: name, Version: s.state.Placement().Version, Loads: loads})
		case Accept:
			e, _ := before.Edge(name)
			preview = ring.PreviewAccept(before, e, loads)
			if e.State == wire.EdgePending || e.Asks > 0 {
				s.must(Command{Kind: Accept, Name: name, Loads: loads})
			}
			if !member {
				s.must(Command{Kind: EdgeReady, Name: name, Incarnation: 1, Version: s.state.Placement().Version, Loads: loads})
			}
		}
		sameAsForetold(rt, before, s.state.Placement(), loads, &preview)
	})
}

// sameAsForetold compares what an order did with its preview.
func sameAsForetold(rt *rapid.T, before, after *wire.Placement, loads []ring.Load, preview *wire.Preview) {
	moves := map[wire.PairID]wire.BoundaryMove{}
	for _, q := range after.Pairs {
		if was, ok := before.Pair(q.ID); ok && was.Boundary != q.Boundary {
			moves[q.ID] = wire.BoundaryMove{Pair: q.ID, Before: was.Boundary, After: q.Boundary}
		}
	}
	foretold := map[wire.PairID]wire.BoundaryMove{}
	for _, m := range preview.Boundaries {
		foretold[m.Pair] = m
	}
	limit, margin := 0, 1<<30
	limits := ring.LimitsOf(after)
	for _, e := range after.Edges {
		if ring.Opens(e.State) {
			limit += limits[e.Name]
		}
	}
	for _, m := range ring.Margins(after, loads) {
		margin = min(margin, m)
	}
	if preview.Moves != ring.Moved(before, after, loads) || !maps.Equal(foretold, moves) || preview.Limit != limit || preview.Margin != margin {
		rt.Fatalf("foretold %+v;\nmoved %d, boundaries %v, limit %d, margin %d", preview, ring.Moved(before, after, loads), moves, limit, margin)
	}
	count := ring.Delivering(after, loads)
	for i := range after.Edges { // who is above it loses their edge
		count[after.Edges[i].Name] = min(count[after.Edges[i].Name], after.Edges[i].Capacity)
	}
	if e, ok := after.Edge(preview.Peak); !ok || count[e.Name] != preview.PeakLoad || e.Capacity != preview.PeakCap {
		rt.Fatalf("%s: foretold %s with %d of %d, it delivers %d", preview.Edge, preview.Peak, preview.PeakLoad, preview.PeakCap, count[preview.Peak])
	}
	if want := max(homeless(after, loads)-homeless(before, loads), 0); preview.Excess != want {
		rt.Fatalf("%s: foretold that %d would lose their edge, %d do", preview.Edge, preview.Excess, want)
	}
	for _, e := range after.Edges {
		if ring.Delivers(e.State) && count[e.Name]*preview.PeakCap > preview.PeakLoad*e.Capacity {
			rt.Fatalf("%s has %d of %d, fuller than %s", e.Name, count[e.Name], e.Capacity, preview.Peak)
		}
	}
}

// drawnCluster is a ring of edges of any capacity with sessions in any slots, and maybe
// a dead one.
func drawnCluster(t *testing.T, rt *rapid.T) (s *script, n int, loads []ring.Load) {
	s = newScript(t)
	n = rapid.IntRange(3, 6).Draw(rt, "edges")
	for i := range n {
		s.must(Command{Kind: EdgeUp, Edge: drawnEdge(rt, i+1)})
	}
	s.must(Command{Kind: Place, Stream: "/film/", Pair: 1})
	for _, q := range s.state.Placement().Pairs {
		table := ring.NewTable(q.Slots)
		for slot := range q.Slots {
			if rapid.IntRange(0, 3).Draw(rt, "taken") > 0 {
				table.Set(slot)
			}
		}
		loads = append(loads, ring.Load{Pair: q.ID, Taken: table.Runs()})
	}
	if rapid.Bool().Draw(rt, "somebody is dead") {
		s.must(Command{Kind: EdgeDown, Name: "e2", Incarnation: 1, Loads: loads})
	}
	return s, n, loads
}

// homeless are the sessions that nobody delivers, or that are above an edge's capacity.
func homeless(p *wire.Placement, loads []ring.Load) int {
	n := 0
	for _, l := range loads {
		for _, r := range l.Taken {
			n += r.To - r.From
		}
	}
	for name, count := range ring.Delivering(p, loads) {
		e, _ := p.Edge(name)
		n -= min(count, e.Capacity)
	}
	return n
}

func drawnEdge(t *rapid.T, i int) *wire.Edge {
	return &wire.Edge{
		Name: fmt.Sprint("e", i), HTTP: fmt.Sprintf("http://127.0.0.1:%d", 8000+i), Admin: fmt.Sprintf("http://127.0.0.1:%d", 9000+i),
		Incarnation: 1, Capacity: rapid.IntRange(2, 12).Draw(t, "capacity"),
	}
}
