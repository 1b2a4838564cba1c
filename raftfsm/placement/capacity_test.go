package placement

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// sized is an edge that registers with a capacity.
func sized(name string, incarnation uint64, capacity int) Command {
	c := up(name, incarnation)
	c.Edge.Capacity = capacity
	return c
}

// An edge of 1000 beside four of 8: it waits until an operator lets it in, since the
// limits of the others would fall, and when it dies they are what they were.
func TestAJoinThatLowersTheOthersLimitsWaits(t *testing.T) {
	s := four(t)
	before := ring.LimitsOf(s.state.Placement())
	s.must(sized("e5", 1, 1000))
	if e := s.edge("e5"); e.State != wire.EdgePending {
		t.Fatalf("%+v", e)
	}
	if now := ring.LimitsOf(s.state.Placement()); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Fatalf("limits %v, now %v", before, now)
	}
	if r := s.do(Command{Kind: EdgeReady, Name: "e5", Incarnation: 1, Version: 1 << 40}); r.Code != "refused" {
		t.Fatalf("ready while it waits: %+v", r)
	}
	s.must(Command{Kind: Accept, Name: "e5", By: "operator"})
	s.must(Command{Kind: EdgeReady, Name: "e5", Incarnation: 1, Version: s.edge("e5").Since})
	if e := s.edge("e5"); e.State != wire.EdgeUp || ring.LimitsOf(s.state.Placement())["e1"] >= before["e1"] {
		t.Fatalf("%+v, limits %v", e, ring.LimitsOf(s.state.Placement()))
	}
	s.must(Command{Kind: EdgeDown, Name: "e5", Incarnation: 1})
	if now := ring.LimitsOf(s.state.Placement()); now["e1"] != before["e1"] {
		t.Fatalf("it is dead and binds the others: limits %v, before %v", now, before)
	}
}

func TestWhatWaitsToBeAccepted(t *testing.T) {
	s := four(t)
	s.must(sized("e5", 1, 8)) // no greater than the others
	if e := s.edge("e5"); e.State != wire.EdgeJoining {
		t.Fatalf("%+v", e)
	}
	s.must(sized("e6", 1, 500))
	s.must(sized("e6", 1, 9)) // it has thought better of it
	if e := s.edge("e6"); e.State != wire.EdgeJoining || e.Capacity != 9 {
		t.Fatalf("%+v", e)
	}
	for _, gone := range []Command{{Kind: EdgeDown, Name: "e7", Incarnation: 1}, {Kind: Remove, Name: "e7"}} {
		s.must(sized("e7", 1, 500))
		s.must(gone)
		if _, ok := s.state.Placement().Edge("e7"); ok {
			t.Fatalf("%s: it is still there", gone.Kind)
		}
	}
	if r := s.do(Command{Kind: Accept, Name: "e1"}); !errors.Is(r.Failed(), ErrRefused) {
		t.Fatalf("%+v", r)
	}
	if r := s.do(Command{Kind: Accept, Name: "e9"}); !errors.Is(r.Failed(), ErrUnknown) {
		t.Fatalf("%+v", r)
	}
	two := newScript(t)
	two.must(sized("e1", 1, 8))
	two.must(Command{Kind: Place, Stream: "/s/", Pair: 1})
	two.must(sized("e2", 1, 8)) // the limit of the only one falls by its being protected
	if e := two.edge("e2"); e.State != wire.EdgeJoining {
		t.Fatalf("%+v", e)
	}
}

// A member that comes with a capacity by which the others' limits would fall keeps the
// one it has, over restarts too, until that is accepted.
func TestAMembersHigherCapacityWaits(t *testing.T) {
	s := four(t)
	s.must(sized("e2", 1, 4))
	s.must(sized("e2", 1, 8)) // nobody's limit falls by either
	if e := s.edge("e2"); e.Capacity != 8 || e.Asks != 0 {
		t.Fatalf("%+v", e)
	}
	s.must(sized("e2", 1, 1000))
	if e := s.edge("e2"); e.Capacity != 8 || e.Asks != 1000 {
		t.Fatalf("%+v", e)
	}
	if r := s.do(sized("e2", 1, 1000)); r.Changed {
		t.Fatalf("told again: %+v", r)
	}
	s.must(sized("e2", 2, 1000))
	s.must(Command{Kind: EdgeReady, Name: "e2", Incarnation: 2, Version: s.edge("e2").Since})
	if e := s.edge("e2"); e.Capacity != 8 || e.Asks != 1000 || e.State != wire.EdgeUp {
		t.Fatalf("%+v", e)
	}
	s.must(Command{Kind: Accept, Name: "e2"})
	if e := s.edge("e2"); e.Capacity != 1000 || e.Asks != 0 {
		t.Fatalf("%+v", e)
	}
	s.must(sized("e2", 2, 4))
	if e := s.edge("e2"); e.Capacity != 4 || e.Asks != 0 {
		t.Fatalf("%+v", e)
	}
}

// Tables follow their members' capacities: up at once, down as slots become free, and
// only by what was told after the members had heard of it.
func TestTablesFollowTheirMembersCapacity(t *testing.T) {
	s := four(t)
	slots := func() (all []int) {
		for _, q := range s.state.Placement().Pairs {
			all = append(all, q.Slots)
		}
		return all
	}
	loads := []ring.Load{{Pair: 1, Taken: []wire.Run{{From: 0, To: 2}, {From: 6, To: 7}}}, {Pair: 2}}
	before := s.state.Placement().Version
	c := sized("e2", 1, 4)
	c.Loads = loads
	s.must(c)
	if got := fmt.Sprint(slots()); got != "[8 8 8 8]" {
		t.Fatalf("by loads of before: %s", got)
	}
	if r := s.do(Command{Kind: Settle, Loads: loads, Version: before}); r.Changed {
		t.Fatalf("by loads of before: %+v", r)
	}
	s.must(Command{Kind: Settle, Loads: loads, Version: s.state.Placement().Version})
	if got := fmt.Sprint(slots()); got != "[7 4 8 8]" { // slot 6 is taken
		t.Fatalf("it shrinks as far as slots are free: %s", got)
	}
	s.must(Command{Kind: Settle, Loads: []ring.Load{{Pair: 1}}, Version: s.state.Placement().Version})
	s.must(sized("e2", 1, 8))
	if got := fmt.Sprint(slots()); got != "[8 8 8 8]" {
		t.Fatalf("it grows at once: %s", got)
	}
	small := sized("e5", 1, 2) // a small one between two others, and gone again
	small.After = "e3"
	s.must(small)
	s.must(Command{Kind: EdgeReady, Name: "e5", Incarnation: 1, Version: s.edge("e5").Since})
	s.must(Command{Kind: Settle, Loads: []ring.Load{{Pair: 3}}, Version: s.state.Placement().Version})
	q, _ := s.state.Placement().Pair(3)
	if q.Slots != 2 || q.High != "e5" {
		t.Fatalf("%+v", q)
	}
	s.must(Command{Kind: Remove, Name: "e5"})
	s.must(Command{Kind: Left, Name: "e5", Version: s.edge("e5").Since})
	if q, _ := s.state.Placement().Pair(3); q.Slots != 8 {
		t.Fatalf("the small one has left and the table is as small as it was: %+v", q)
	}
}

func TestZonesMakeTheRing(t *testing.T) {
	s := newScript(t)
	for i, zone := range []string{"a", "a", "b", "b"} {
		c := up(fmt.Sprint("e", i+1), 1)
		c.Edge.Zone = zone
		s.must(c)
	}
	order := func() (text string) {
		for _, e := range ring.Members(s.state.Placement()) {
			text += e.Name + e.Zone + " "
		}
		return text
	}
	if got := order(); got != "e1a e3b e2a e4b " {
		t.Fatal(got)
	}
	s.must(Command{Kind: Place, Stream: "/s/", Pair: 1})
	c := up("e5", 1)
	c.Edge.Zone = "b"
	s.must(c)
	s.must(Command{Kind: EdgeReady, Name: "e5", Incarnation: 1, Version: s.edge("e5").Since})
	if n := len(ring.SameZone(s.state.Placement())); n != 1 { // three of five can't all be apart
		t.Fatalf("%s: %d neighbours in one zone", order(), n)
	}
	c = up("e6", 1)
	c.Edge.Zone = "a"
	s.must(c)
	s.must(Command{Kind: EdgeReady, Name: "e6", Incarnation: 1, Version: s.edge("e6").Since})
	if pairs := ring.SameZone(s.state.Placement()); len(pairs) != 0 {
		t.Fatalf("%s: %v", order(), pairs)
	}
	bad := up("e7", 1)
	bad.Edge.Zone = "rack 1"
	if r := s.do(bad); r.Code != "malformed" {
		t.Fatalf("%+v", r)
	}
}

// limits are those of the members, in the order of the ring.
func (s *script) limits() string {
	var all []int
	of := ring.LimitsOf(s.state.Placement())
	for _, e := range ring.Members(s.state.Placement()) {
		all = append(all, of[e.Name])
	}
	return fmt.Sprint(all)
}

// A cluster whose streams have all been unplaced, as after a night, is founded no more:
// a greater edge waits, and so does a member's higher capacity, also by a snapshot, and
// by one that an older build wrote.
func TestAnIdleClusterIsNotANewOne(t *testing.T) {
	s := newScript(t)
	for _, e := range []struct {
		name     string
		capacity int
	}{{"e1", 8}, {"e2", 8}, {"e3", 40}, {"e4", 8}} { // unequal, and nobody waits
		s.must(sized(e.name, 1, e.capacity))
	}
	if now := s.limits(); now != "[3 3 15 3]" {
		t.Fatalf("limits %s", now)
	}
	s.must(sized("e3", 2, 8))
	s.must(Command{Kind: Place, Stream: "/s/", Pair: 1})
	s.must(Command{Kind: Unplace, Stream: "/s/"})
	for _, written := range []func() []byte{
		func() []byte { return imageOf(t, s.state) },
		func() []byte { // without the mark
			old := NewState()
			old.placement, old.founding = s.state.placement, false
			return imageOf(t, old)
		},
	} {
		restored, err := ReadState(bytes.NewReader(written()))
		if err != nil {
			t.Fatal(err)
		}
		if restored.founding {
			t.Fatal("a snapshot makes it a new cluster")
		}
	}
	s.must(sized("e5", 1, 1000))
	if e := s.edge("e5"); e.State != wire.EdgePending || s.limits() != "[6 6 6 6]" {
		t.Fatalf("%+v, limits %s", e, s.limits())
	}
	s.must(sized("e2", 1, 1000))
	if e := s.edge("e2"); e.Capacity != 8 || e.Asks != 1000 {
		t.Fatalf("%+v", e)
	}
	s.must(sized("e6", 1, 8)) // it lowers nobody's
	if e := s.edge("e6"); e.State != wire.EdgeUp || s.limits() != "[6 6 6 6 6]" {
		t.Fatalf("%+v, limits %s", e, s.limits())
	}
	s.must(Command{Kind: Accept, Name: "e5", By: "operator"})
	s.must(Command{Kind: EdgeReady, Name: "e5", Incarnation: 1, Version: s.edge("e5").Since})
	if e := s.edge("e5"); e.State != wire.EdgeUp || e.Capacity != 1000 {
		t.Fatalf("%+v", e)
	}
}

// An edge that states no capacity lowers nobody's limit, whenever it comes: in a new
// cluster it has the least that another states, whoever came first; later too, and keeps
// what it has.
func TestWhoStatesNoCapacityLowersNobodysLimit(t *testing.T) {
	guess := func(name string, incarnation uint64) Command {
		c := sized(name, incarnation, 1000)
		c.Edge.Assumed = true
		return c
	}
	for _, first := range [][]Command{
		{guess("e1", 1), sized("e2", 1, 9), sized("e3", 1, 8)},
		{sized("e2", 1, 9), guess("e1", 1), sized("e3", 1, 8)},
		{sized("e3", 1, 8), sized("e2", 1, 9), guess("e1", 1)},
	} {
		s := newScript(t)
		for _, c := range first {
			s.must(c)
		}
		if e := s.edge("e1"); e.Capacity != 8 || !e.Assumed || s.limits() != "[5 5 5]" {
			t.Fatalf("%+v, limits %s", e, s.limits())
		}
		s.must(Command{Kind: Place, Stream: "/s/", Pair: 1})
		s.must(guess("e4", 1))
		if e := s.edge("e4"); e.Capacity != 8 || e.State != wire.EdgeJoining {
			t.Fatalf("%+v", e)
		}
		s.must(guess("e2", 2)) // it has stated 9
		s.must(sized("e3", 1, 4))
		if a, b := s.edge("e2"), s.edge("e1"); a.Capacity != 9 || a.Asks != 0 || !a.Assumed || b.Capacity != 8 {
			t.Fatalf("%+v, %+v", a, b)
		}
		s.must(sized("e2", 2, 9))
		if e := s.edge("e2"); e.Assumed {
			t.Fatalf("%+v", e)
		}
	}
	s := newScript(t)
	for _, name := range []string{"e1", "e2"} { // nobody says anything
		s.must(guess(name, 1))
	}
	if s.limits() != "[500 500]" {
		t.Fatal(s.limits())
	}
}
