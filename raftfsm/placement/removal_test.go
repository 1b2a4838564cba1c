package placement

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Whatever the state of a member that is to be taken out, its successors get what
// they need first; what it delivered, and nothing else, is another's by that.
func TestEveryRemovalGoesByOneWay(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(*script)
		state  wire.EdgeState // while it is being taken out
		moved  int            // by the commit that takes it out: its own, and two that have to go on
	}{
		{"up", func(*script) {}, wire.EdgeLeaving, 8},
		{"drained", func(s *script) { s.must(Command{Kind: Drain, Name: "e2", Loads: full(s.state.Placement())}) }, wire.EdgeDraining, 0},
		{"dead", func(s *script) {
			s.must(Command{Kind: EdgeDown, Name: "e2", Incarnation: 1, Loads: full(s.state.Placement())})
		}, wire.EdgeDown, 0},
		{"recovering", func(s *script) {
			c := up("e2", 2)
			c.Loads = full(s.state.Placement())
			s.must(c)
		}, wire.EdgeRecovering, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := four(t)
			loads := full(s.state.Placement())
			c.before(s)
			was := ring.Delivering(s.state.Placement(), loads)
			s.must(Command{Kind: Remove, Name: "e2", Loads: loads})
			if e := s.edge("e2"); e.State != c.state || !e.Removing {
				t.Fatalf("%+v", e)
			}
			if now := ring.Delivering(s.state.Placement(), loads); fmt.Sprint(now) != fmt.Sprint(was) {
				t.Fatalf("it delivered %v, now %v", was, now)
			}
			if r := s.do(Command{Kind: EdgeReady, Name: "e2", Incarnation: s.edge("e2").Incarnation, Version: 1 << 40}); r.Changed {
				t.Fatalf("%+v", r)
			}
			before := s.state.Placement()
			r := s.must(Command{Kind: Left, Name: "e2", Version: s.edge("e2").Since, Loads: loads})
			if r.Plan.Lost != 0 {
				t.Fatalf("%+v", r.Plan)
			}
			p, moved := s.state.Placement(), 0
			for _, l := range loads {
				now, _ := p.Pair(l.Pair)
				then, _ := before.Pair(l.Pair)
				for _, run := range l.Taken {
					for slot := run.From; slot < run.To; slot++ {
						if ring.Owner(p, now, slot) != ring.Owner(before, then, slot) {
							moved++
						}
					}
				}
			}
			if moved != c.moved || r.Plan.Moved != c.moved {
				t.Errorf("%d sessions moved, %d by the plan; want %d", moved, r.Plan.Moved, c.moved)
			}
			for name, n := range ring.Delivering(p, loads) {
				if n > 8 {
					t.Errorf("%s delivers %d", name, n)
				}
			}
		})
	}
}

// Two neighbours that leave at the same time both deliver until they go: nothing of
// the pair that they share is given to somebody without a table.
func TestTwoNeighboursLeave(t *testing.T) {
	s := four(t)
	var loads []ring.Load
	for _, l := range full(s.state.Placement()) {
		loads = append(loads, ring.Load{Pair: l.Pair, Taken: []wire.Run{{From: 1, To: 4}, {From: 7, To: 8}}})
	}
	for _, name := range []string{"e2", "e3"} {
		s.must(Command{Kind: Remove, Name: name, Loads: loads})
	}
	for _, q := range s.state.Placement().Pairs {
		if len(q.Adopted) > 0 {
			t.Errorf("while they leave pair %d gives %v", q.ID, q.Adopted)
		}
	}
	for _, name := range []string{"e2", "e3"} {
		before := s.state.Placement()
		s.must(Command{Kind: Left, Name: name, Version: s.edge(name).Since, Loads: loads})
		for i := range s.state.Placement().Pairs {
			q := &s.state.Placement().Pairs[i]
			was, _ := before.Pair(q.ID)
			if len(q.Adopted) > 0 {
				t.Errorf("after %s pair %d gives %v", name, q.ID, q.Adopted)
			}
			for _, part := range ring.Parts(s.state.Placement(), q) {
				if !slices.Contains(ring.Watchers(before, was), part.Owner) {
					t.Errorf("after %s pair %d: %s delivers and was not told, only %v", name, q.ID, part.Owner, ring.Watchers(before, was))
				}
			}
		}
	}
	s.state4("up up")
}

func TestARemovalIsTakenBack(t *testing.T) {
	s := four(t)
	loads := full(s.state.Placement())
	s.must(Command{Kind: Remove, Name: "e2", Loads: loads})
	s.must(Command{Kind: Resume, Name: "e2", Loads: loads})
	s.state4("up up up up")
	s.must(Command{Kind: EdgeDown, Name: "e2", Incarnation: 1, Loads: loads})
	s.must(Command{Kind: Remove, Name: "e2", Loads: loads})
	s.must(Command{Kind: Resume, Name: "e2"})
	if e := s.edge("e2"); e.State != wire.EdgeDown || e.Removing {
		t.Fatalf("%+v", e)
	}
	if r := s.do(Command{Kind: Left, Name: "e2", Version: 1 << 40}); r.Code != "refused" {
		t.Fatalf("%+v", r)
	}
	s.must(Command{Kind: Remove, Name: "e2"})
	s.must(up("e2", 2)) // dead for long, and back before it was out
	if e := s.edge("e2"); e.State != wire.EdgeRecovering || e.Removing {
		t.Fatalf("%+v", e)
	}
}

func TestTheLastEdgeStays(t *testing.T) {
	s := newScript(t)
	s.must(up("e1", 1))
	s.must(up("e2", 1))
	s.must(Command{Kind: Place, Stream: "/a/", Pair: 1})
	s.must(Command{Kind: EdgeDown, Name: "e2", Incarnation: 1})
	for _, kind := range []Kind{Drain, Remove} {
		if r := s.do(Command{Kind: kind, Name: "e1"}); r.Code != "refused" || strings.Contains(r.Err, "\n") {
			t.Errorf("%s: %+v", kind, r)
		}
	}
	s.must(Command{Kind: Remove, Name: "e2"})
	s.must(Command{Kind: EdgeDown, Name: "e1", Incarnation: 1})
	if r := s.do(Command{Kind: Remove, Name: "e1"}); r.Code != "refused" {
		t.Errorf("%+v", r)
	}
	s.must(up("e1", 2))
	s.must(Command{Kind: EdgeReady, Name: "e1", Incarnation: 2, Version: s.edge("e1").Since})
	s.must(Command{Kind: Left, Name: "e2", Version: s.edge("e2").Since})
	if p := s.state.Placement(); len(p.Pairs) != 2 || p.Pairs[0].Boundary != 8 || !p.Pairs[1].Retiring {
		t.Fatalf("%+v", p.Pairs)
	}
}
