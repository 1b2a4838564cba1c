package member

import (
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// TestOnlyOwnSlotsAreAllotted: slots that the placement has given to an edge
// outside the pair are allotted by that edge alone, taken or free.
func TestOnlyOwnSlotsAreAllotted(t *testing.T) {
	p := &wire.Placement{
		Edges: []wire.Edge{{Name: "a", Capacity: 4, State: wire.EdgeUp}, {Name: "b", Capacity: 4, State: wire.EdgeDown}, {Name: "c", Capacity: 4, State: wire.EdgeUp}},
		Pairs: []wire.Pair{
			{ID: 1, Low: "a", High: "b", Slots: 4, Boundary: 4, Adopted: []wire.Adoption{{Edge: "c", From: 0, To: 2}}},
			{ID: 2, Low: "b", High: "a", Slots: 4, Boundary: 0, Adopted: []wire.Adoption{{Edge: "c", From: 2, To: 4}}},
		},
	}
	for _, c := range []struct {
		me    string
		pair  int
		slots []int
	}{{"a", 0, []int{2, 3}}, {"c", 0, []int{0, 1}}, {"a", 1, []int{1, 0}}, {"c", 1, []int{2, 3}}, {"b", 0, nil}} {
		table := newTable(c.me, 4)
		table.follow(p.Index(), &p.Pairs[c.pair], 0)
		for _, want := range c.slots {
			if slot, ok := table.allot(); !ok || slot != want {
				t.Errorf("%s, pair %d: slot %d, %v; want %d", c.me, c.pair+1, slot, ok, want)
			}
		}
		if slot, ok := table.allot(); ok {
			t.Errorf("%s, pair %d: slot %d is not its own", c.me, c.pair+1, slot)
		}
	}
}

// TestATokenBeyondAShrunkTableIsReadmitted: its viewer was away while the table followed its
// members' capacity down, and stands in it again, in another slot, by the token that it has.
func TestATokenBeyondAShrunkTableIsReadmitted(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e2", 10)
	if id.Slot != 7 {
		t.Fatalf("slot %d", id.Slot)
	}
	r.tables["e2"].close(id)
	for range 2 {
		r.tell("e2", "e1")
		r.tell("e1", "e2")
	}
	r.change(func(p *wire.Placement) {
		for i := range p.Edges {
			p.Edges[i].Capacity = 4
		}
		p.Pairs = ring.Fit(p, []ring.Load{{Pair: 1}, {Pair: 2}, {Pair: 3}}, p.Version).Pairs
	})
	r.follow("e1", "e2", "e3")
	q := &r.placement.Pairs[0]
	if q.Slots != 4 {
		t.Fatalf("%+v", q)
	}
	if owner := ring.Owner(r.placement, q, id.Slot); owner != "e2" {
		t.Fatalf("%s delivers it", owner)
	}
	for range 2 {
		binding, reason := r.tables["e2"].touch(id, "/s/", "192.0.2.1", 20)
		if binding.Slot < 0 || binding.Slot >= q.Slots || reason != "" || r.of("e2").slots.Taken() != 1 {
			t.Fatalf("%+v %s, %d in the table", binding, reason, r.of("e2").slots.Taken())
		}
	}
	r.tell("e2", "e1")
	if r.has("e1", id) == nil {
		t.Error("its neighbour knows nothing of it")
	}
}

// TestATokenAboveTheLimitOfATableThatShrinksIsReadmitted: its viewer goes on where it was, and
// the table follows its members' capacity when that one has gone.
func TestATokenAboveTheLimitOfATableThatShrinksIsReadmitted(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e2", 10)
	r.tables["e2"].close(id)
	r.change(func(p *wire.Placement) {
		for i := range p.Edges {
			p.Edges[i].Capacity = 4
		}
	})
	r.follow("e2")
	if id.Slot < ring.PairLimit(r.placement, &r.placement.Pairs[0]) {
		t.Fatal("its slot is one of those that stay")
	}
	if binding, reason := r.tables["e2"].touch(id, "/s/", "192.0.2.1", 20); binding.Slot != id.Slot || reason != "" {
		t.Errorf("%+v %s", binding, reason)
	}
}

// TestOnlyWhoDeliversASessionLetsItExpire: its neighbour may hear late that something was
// asked for, and then takes what it is told for true.
func TestOnlyWhoDeliversASessionLetsItExpire(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.tell("e1", "e2")
	if n := r.tables["e2"].expire(1000, 100, 100); n != 0 || r.has("e2", id) == nil {
		t.Fatalf("%d expired where another delivers them", n)
	}
	r.tables["e1"].touch(id, "/s/", "192.0.2.1", 950)
	r.tell("e1", "e2")
	if s := r.has("e2", id); s == nil || s.seen != 950 {
		t.Errorf("it was seen at 950: %+v", s)
	}
	if n := r.tables["e1"].expire(1000, 100, 100); n != 0 {
		t.Errorf("%d expired that were asked for", n)
	}
	if n := r.tables["e1"].expire(1100, 100, 100); n != 1 || r.has("e1", id) != nil {
		t.Errorf("%d expired", n)
	}
}

// TestASessionThatNobodyDeliversEnds: more died than the ring can lose. Who holds its table
// keeps it for a while, should somebody be given it, and no longer: it would count for ever.
func TestASessionThatNobodyDeliversEnds(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.tell("e1", "e3")
	r.change(func(p *wire.Placement) {
		p.Edges[0].State, p.Edges[1].State = wire.EdgeDown, wire.EdgeDown
	})
	r.follow("e3")
	if r.has("e3", id) == nil {
		t.Fatal("e3 is told of it, and does not keep it")
	}
	if r.tables["e3"].expire(lostAfter-1, 1_000_000, 1_000_000); r.has("e3", id) == nil {
		t.Error("it was not kept")
	}
	if r.tables["e3"].expire(lostAfter, 1_000_000, 1_000_000); r.has("e3", id) != nil {
		t.Error("it is kept for ever")
	}
}

func TestShedEndsTheNewest(t *testing.T) {
	p := &wire.Placement{Admission: ring.FailSafeAdmission}
	for _, name := range []string{"edge-1", "edge-2"} {
		p.Edges = append(p.Edges, wire.Edge{Name: name, Capacity: 8, State: wire.EdgeUp})
	}
	p = ring.Form(p.Index())
	s := newTables("edge-1")
	s.follow(p, 0)
	var ids []wire.SessionID
	for now := range int64(4) {
		id, reason := s.open(wire.OpenRequest{Pair: 1, Stream: "/v/x/"}, now)
		if reason != "" {
			t.Fatal(reason)
		}
		ids = append(ids, id)
	}
	smaller := ring.Copy(p)
	smaller.Edges[0].Capacity = 2
	s.follow(smaller.Index(), 0)
	if n := s.shed(); n != 2 {
		t.Errorf("shed %d", n)
	}
	list, _ := s.sessions(10)
	for _, one := range list {
		if one.SessionID != ids[0] && one.SessionID != ids[1] {
			t.Errorf("a new one stays: %v", one)
		}
	}
}

// TestAnEdgeThatHasMoreThanWasKnownSaysWhatItHas: the opening is sent back, nothing is
// taken, and who chooses again knows how many there are.
func TestAnEdgeThatHasMoreThanWasKnownSaysWhatItHas(t *testing.T) {
	o := newOpenerStage(t, 8)
	o.opens("192.0.2.1", 0)
	o.opens("192.0.2.2", 1)
	pair := o.s.list()[0].pair.ID
	for _, c := range []struct {
		most   int
		reason string
	}{{1, wire.ReasonBusier}, {2, wire.ReasonBusier}, {3, ""}, {3, wire.ReasonBusier}, {0, ""}} {
		if _, reason := o.s.open(wire.OpenRequest{Pair: pair, Stream: "/s/", Viewer: "192.0.2.3", Most: c.most}, 2); reason != c.reason {
			t.Errorf("at most %d: %q, want %q", c.most, reason, c.reason)
		}
	}
	c := o.s.count(pair)
	if c != (wire.EdgeCount{Opened: 4, Delivering: 4, Sessions: 4, Own: 4}) {
		t.Errorf("%+v", c)
	}
}
