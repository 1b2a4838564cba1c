package placement

import (
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// TestWhoIsBackIsAsItWasOrdered (claims 14, 28): who was leaving goes on to leave, who was dead
// and being taken out stays, and who was stopped is there again.
func TestWhoIsBackIsAsItWasOrdered(t *testing.T) {
	down, removed := Command{Kind: EdgeDown, Name: "e2", Incarnation: 1}, Command{Kind: Remove, Name: "e2"}
	stopping, unplaced := down, Command{Kind: Unplace, Stream: "/sample/"}
	stopping.Cause = wire.CauseStopping
	for _, c := range []struct {
		name     string
		before   []Command
		want     wire.EdgeState
		removing bool
	}{
		{"stopped", []Command{stopping}, wire.EdgeRecovering, false},
		{"leaving", []Command{removed}, wire.EdgeRecovering, true},
		{"dead and removed", []Command{down, removed}, wire.EdgeRecovering, false},
		{"leaving, no stream is placed", []Command{removed, unplaced}, wire.EdgeLeaving, true},
		{"dead, no stream is placed", []Command{down, unplaced}, wire.EdgeUp, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := four(t)
			for _, command := range c.before {
				s.must(command)
			}
			s.must(up("e2", 2))
			if e := s.edge("e2"); e.State != c.want || e.Removing != c.removing || e.Stopped {
				t.Errorf("%+v", e)
			}
			if c.want != wire.EdgeUp {
				return
			}
			s.boundaries(4, 4, 4, 4) // there is nothing to copy
			if d := s.state.Deaths(); d[0].Returned == 0 {
				t.Errorf("%+v has not returned", d[0])
			}
		})
	}
}

// TestOnlyWhoCopiesIsReady: who leaves or drains delivers nothing by saying so.
func TestOnlyWhoCopiesIsReady(t *testing.T) {
	s := four(t)
	ready := func(edge string, incarnation uint64) Result {
		return s.do(Command{Kind: EdgeReady, Name: edge, Incarnation: incarnation, Version: s.edge(edge).Since})
	}
	s.must(Command{Kind: Drain, Name: "e1"})
	if r := ready("e1", 1); r.Code != "refused" || s.edge("e1").State != wire.EdgeDraining {
		t.Errorf("one that drains: %+v", r)
	}
	s.must(Command{Kind: Remove, Name: "e2"})
	s.must(up("e2", 2))
	if r := ready("e2", 2); r.Code != "refused" || s.edge("e2").State != wire.EdgeRecovering {
		t.Errorf("one that was leaving: %+v", r)
	}
	// Two that join: with the first one the other has other neighbours, and copies anew.
	s.must(Command{Kind: Resume, Name: "e1"})
	for _, name := range []string{"e5", "e6"} {
		s.must(up(name, 1))
	}
	old := s.edge("e6").Since
	if r := ready("e5", 1); r.Err != "" {
		t.Fatalf("%+v", r)
	}
	if e := s.edge("e5"); e.State != wire.EdgeUp || e.Since != s.state.Placement().Version {
		t.Errorf("%+v", e)
	}
	if r := s.do(Command{Kind: EdgeReady, Name: "e6", Incarnation: 1, Version: old}); r.Code != "stale" {
		t.Errorf("%+v", r)
	}
	if r := ready("e6", 1); r.Err != "" {
		t.Errorf("%+v", r)
	}
}

// TestAnEmptyRingIsFormedByWhatItsEdgesState: while nothing is placed another capacity or zone
// has no table and no neighbour to wait for.
func TestAnEmptyRingIsFormedByWhatItsEdgesState(t *testing.T) {
	s := four(t)
	s.must(Command{Kind: Unplace, Stream: "/sample/"})
	smaller := up("e2", 1)
	smaller.Edge.Capacity = 4
	s.must(smaller)
	slots := func(want ...int) {
		t.Helper()
		for i, q := range s.state.Placement().Pairs {
			if q.Slots != want[i] || q.Boundary != q.Slots/2 || q.Home != q.Boundary {
				t.Errorf("pair %d: %+v, want %d slots", i, q, want[i])
			}
		}
	}
	slots(4, 4, 8, 8)
	s.must(up("e2", 2)) // a new process, with more
	slots(8, 8, 8, 8)
	for i, name := range []string{"e1", "e2", "e3", "e4"} {
		c := up(name, s.edge(name).Incarnation)
		c.Edge.Zone = []string{"a", "a", "b", "b"}[i]
		s.must(c)
	}
	for _, q := range s.state.Placement().Pairs {
		if s.edge(q.Low).Zone == s.edge(q.High).Zone {
			t.Errorf("%s and %s are neighbours in one zone", q.Low, q.High)
		}
	}
	s.must(Command{Kind: Place, Stream: "/sample/", Pair: 1})
	joins := up("e5", 1)
	joins.Edge.Zone, joins.After = "a", "e1"
	s.must(joins)
	if e := s.edge("e5"); e.After != "e1" {
		t.Errorf("%+v does not join where it was told to", e)
	}
	if s.must(up("e6", 1)); s.edge("e6").After != "" {
		t.Errorf("%+v joins at the end", s.edge("e6"))
	}
	s.must(up("e6", 2))
	if e := s.edge("e6"); e.Since != s.state.Placement().Version {
		t.Errorf("what %+v had copied in its former life counts", e)
	}
}

// TestARingInUseIsNotFormedAnew: who is back with another capacity, and who registers from
// another address, has its place and its tables.
func TestARingInUseIsNotFormedAnew(t *testing.T) {
	s := four(t)
	joins := up("e5", 1)
	joins.After = "e1"
	s.must(joins)
	s.must(Command{Kind: EdgeReady, Name: "e5", Incarnation: 1, Version: s.edge("e5").Since})
	s.must(Command{Kind: EdgeDown, Name: "e2", Incarnation: 1})
	s.boundaries(4, 0, 4, 4, 8) // the pair of the one that has joined is the last
	moved, smaller := up("e3", 1), up("e2", 2)
	moved.Edge.HTTP, smaller.Edge.Capacity = "http://elsewhere", 4
	for _, c := range []Command{moved, smaller} {
		s.must(c)
		for i, e := range s.state.Placement().Edges {
			if want := []string{"e1", "e5", "e2", "e3", "e4"}[i]; e.Name != want {
				t.Errorf("%s stands in the place of %s", e.Name, want)
			}
		}
		s.boundaries(4, 0, 4, 4, 8)
	}
	for _, q := range s.state.Placement().Pairs {
		if q.Slots != 8 {
			t.Errorf("%+v: a table changed its size while it lives", q)
		}
	}
}

// TestNobodyIsGivenWhatADeadOneHas: a ring that is formed, or joined, beside a death gives the
// dead one nothing.
func TestNobodyIsGivenWhatADeadOneHas(t *testing.T) {
	s := four(t)
	s.must(Command{Kind: EdgeDown, Name: "e4", Incarnation: 1})
	joins := up("e5", 1)
	joins.After = "e3"
	s.must(joins)
	s.must(Command{Kind: EdgeReady, Name: "e5", Incarnation: 1, Version: s.edge("e5").Since})
	s.boundaries(4, 4, 4, 0, 8)
	s.must(Command{Kind: Unplace, Stream: "/sample/"})
	s.must(up("e6", 1))
	p := s.state.Placement()
	for i := range p.Pairs {
		for _, part := range ring.Parts(p, &p.Pairs[i]) {
			if part.Owner == "" || part.Owner == "e4" {
				t.Errorf("%+v: %+v", p.Pairs[i], part)
			}
		}
		if q := p.Pairs[i]; q.Low == "e4" && q.Boundary != 0 || q.High == "e4" && q.Boundary != q.Slots {
			t.Errorf("%+v", q)
		}
	}
}
