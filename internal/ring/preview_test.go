package ring

import (
	"testing"

	"tandem/internal/wire"
)

// TestPreviews: what is said before a drain, a removal or a joining is what then is.
// Two of three edges of 8 that deliver 5 each: one can't have all, and what it can't have
// is said as lost, not as 15 of 8.
func TestAPreviewFillsNobodyAboveCapacity(t *testing.T) {
	p := Form((&wire.Placement{Admission: FailSafeAdmission, Edges: []wire.Edge{
		{Name: "e1", Capacity: 8, State: wire.EdgeUp}, {Name: "e2", Capacity: 8, State: wire.EdgeUp}, {Name: "e3", Capacity: 8, State: wire.EdgeUp},
	}}).Index())
	loads := []Load{fill(p, 1, 3, 2), fill(p, 2, 3, 2), fill(p, 3, 3, 2)}
	p, _ = Without(p, "e3", loads, wire.EdgeDown)
	for what, of := range map[string]wire.Preview{"drain": Preview(p, "e1", loads), "remove": PreviewRemove(p, "e1", loads)} {
		if of.Excess == 0 || of.PeakLoad != 8 || of.PeakCap != 8 {
			t.Errorf("%s: %+v", what, of)
		}
	}
}

// Who is given which sessions: those of e1, of 8 by figure 16, by its drain, and two that
// e2 then has no room for; by its resume all that they have, back; by a joining behind e1
// what e2 has of their pair.
func TestWhoIsGivenWhichSessions(t *testing.T) {
	p, loads := figure16()
	drained := map[string][]Load{
		"e2": {{1, []wire.Run{{From: 0, To: 4}}}}, "e3": {{2, []wire.Run{{From: 2, To: 4}}}}, "e4": {{4, []wire.Run{{From: 6, To: 8}}}},
	}
	after := Becomes(p, "e1", loads, wire.EdgeDraining)
	equal(t, "drain", Given(p, after, loads), drained)
	equal(t, "it stops", Given(p, Becomes(p, "e1", loads, wire.EdgeDown), loads), drained)
	equal(t, "nothing changes", Given(after, Becomes(after, "e1", loads, wire.EdgeDraining), loads), map[string][]Load{})
	equal(t, "resume", Given(after, Becomes(after, "e1", loads, wire.EdgeUp), loads), map[string][]Load{
		"e1": {{1, []wire.Run{{From: 0, To: 4}}}, {4, []wire.Run{{From: 6, To: 8}}}}, "e2": {{2, []wire.Run{{From: 2, To: 4}}}},
	})
	p = Copy(p)
	p.Edges = append(p.Edges, wire.Edge{Name: "e5", Capacity: 8, State: wire.EdgeJoining, After: "e1"})
	equal(t, "joining", Given(p, Becomes(p.Index(), "e5", loads, wire.EdgeUp), loads), map[string][]Load{"e5": {{1, []wire.Run{{From: 6, To: 8}}}}})
}

func TestPreviews(t *testing.T) {
	p, loads := figure16()
	for i := range loads {
		loads[i] = fill(p, p.Pairs[i].ID, 3, 1)
	}
	drain := Preview(p, "e1", loads)
	equal(t, "drain", drain, wire.Preview{
		Edge: "e1", Moves: 4, Boundaries: []wire.BoundaryMove{{Pair: 1, Before: 4}, {Pair: 4, Before: 4, After: 8}},
		Peak: "e2", PeakLoad: 7, PeakCap: 8, Margin: 0, MarginNow: 1, Limit: 18, LimitNow: 24,
	})
	// e1 has 3 as low, which go to e4, and 1 as high, which goes to e2.
	equal(t, "remove", PreviewRemove(p, "e1", loads), wire.Preview{Edge: "e1", Moves: 4, Peak: "e4", PeakLoad: 7, PeakCap: 8, MarginNow: 1, Limit: 15, LimitNow: 24})
	// x takes the place of e2 in pair 1: its one session there.
	join := PreviewJoin(p, wire.Edge{Name: "x", Capacity: 8, After: "e1"}, loads)
	equal(t, "join", join, wire.Preview{Edge: "x", Moves: 1, Peak: "e1", PeakLoad: 4, PeakCap: 8, Margin: 1, MarginNow: 1, Limit: 30, LimitNow: 24})
	equal(t, "a large one", PreviewJoin(p, wire.Edge{Name: "x", Capacity: 1000}, loads).Lowers, true)
	equal(t, "the placement itself", boundaries(p), []int{4, 4, 4, 4})

	_, full := figure16()
	equal(t, "remove at the limit", PreviewRemove(p, "e1", full).Excess, 0)
	equal(t, "and the next death", PreviewRemove(p, "e1", full).Margin < 0, true)
	for i := range p.Edges {
		p.Edges[i].Capacity = 6
	}
	equal(t, "what would lose someone says so", PreviewRemove(p.Index(), "e1", full).Excess, 6)
}
