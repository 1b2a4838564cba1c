package member

import (
	"fmt"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// opener opens sessions at one edge of two.
type openerStage struct {
	t *testing.T
	s *tables
}

func newOpenerStage(t *testing.T, capacity int) *openerStage {
	p := &wire.Placement{Admission: ring.FailSafeAdmission}
	for _, name := range []string{"edge-1", "edge-2"} {
		p.Edges = append(p.Edges, wire.Edge{Name: name, Capacity: capacity, State: wire.EdgeUp})
	}
	s := newTables("edge-1")
	s.follow(ring.Form(p.Index()), 0)
	return &openerStage{t, s}
}

// open opens a session of a client.
func (o *openerStage) open(viewer string, now int64) (wire.SessionID, string) {
	return o.s.open(wire.OpenRequest{Pair: 1, Stream: "/v/x/", Viewer: viewer}, now)
}

// opens fails the test when a session is refused.
func (o *openerStage) opens(viewer string, now int64) wire.SessionID {
	o.t.Helper()
	id, reason := o.open(viewer, now)
	if reason != "" {
		o.t.Fatalf("%s is refused: %s", viewer, reason)
	}
	return id
}

// plays gives media to a session.
func (o *openerStage) plays(id wire.SessionID) { o.s.where(id.Pair, id.Slot) }

func (o *openerStage) has(id wire.SessionID) bool {
	t := o.s.table(id.Pair)
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.find(id)
	return ok
}

// One client that opens and never plays keeps nobody out: where room is short its
// oldest session makes way, and one that plays never does.
func TestWhoOpensAndNeverPlaysKeepsNobodyOut(t *testing.T) {
	o := newOpenerStage(t, 8) // limit 4
	playing := o.opens("192.0.2.1", 1)
	o.plays(playing)
	var greedy []wire.SessionID
	for i := range 3 {
		greedy = append(greedy, o.opens(fmt.Sprintf("2001:db8::%d", i), int64(10+i)))
	}
	if _, reason := o.open("2001:db8::99", 20); reason != wire.ReasonLimit {
		t.Fatalf("the client that has the most pushes its own out: %q", reason)
	}
	first := o.opens("192.0.2.2", 21)
	if o.has(greedy[0]) || !o.has(greedy[1]) {
		t.Fatal("not the oldest of the client that has the most has made way")
	}
	if _, reason := o.open("192.0.2.2", 22); reason != wire.ReasonLimit {
		t.Fatal("a client gets more provisional sessions than another one has left")
	}
	o.plays(first)
	o.plays(greedy[1])
	o.plays(greedy[2])
	if _, reason := o.open("192.0.2.3", 23); reason != wire.ReasonLimit {
		t.Fatalf("%q: a session that plays has made way", reason)
	}
	if n := o.s.madeWay.Load(); n != 1 {
		t.Fatalf("%d have made way", n)
	}
}

// Many clients with one session each that never play hold their slots for seconds.
func TestAProvisionalSessionThatAsksForNothingMakesWay(t *testing.T) {
	o := newOpenerStage(t, 4) // limit 2
	one, two := o.opens("192.0.2.1", 0), o.opens("192.0.2.2", 1)
	if _, reason := o.open("192.0.2.3", ring.ReadyWithin-1); reason != wire.ReasonLimit {
		t.Fatalf("a player that has just opened is pushed out: %q", reason)
	}
	o.opens("192.0.2.3", ring.ReadyWithin)
	if o.has(one) || !o.has(two) {
		t.Fatal("not the one that has asked for nothing for longest has made way")
	}
}

func TestProvisionalSessionsEndSoon(t *testing.T) {
	o := newOpenerStage(t, 8)
	idle, playing := o.opens("192.0.2.1", 0), o.opens("192.0.2.1", 0)
	o.plays(playing)
	if n := o.s.expire(15_001, 60_000, 15_000); n != 1 || o.has(idle) || !o.has(playing) {
		t.Fatalf("%d ended", n)
	}
	if o.s.expire(60_001, 60_000, 15_000) != 1 || o.has(playing) {
		t.Fatal("a session that plays no more never ends")
	}
}

// Mirrored positions say that a session has earned its slot.
func TestWhoeverTakesASessionOverKnowsThatItPlays(t *testing.T) {
	s := &session{}
	if s.earned() {
		t.Fatal("earned by nothing")
	}
	s.follow(&wire.Track{Target: "/v/x/1.m4s", At: 1})
	if !s.earned() {
		t.Fatal("its position is for nothing")
	}
}

// A client may open as many as are stated, and as many more as it plays.
func TestAClientsProvisionalSessionsAreBounded(t *testing.T) {
	o := newOpenerStage(t, 100)
	o.s.perClient = 3
	var ids []wire.SessionID
	for i := range 3 {
		ids = append(ids, o.opens("192.0.2.1", int64(i)))
	}
	if _, reason := o.open("192.0.2.1", 3); reason != wire.ReasonClient {
		t.Fatalf("a fourth one: %q", reason)
	}
	o.opens("192.0.2.2", 3)
	for _, id := range ids {
		o.plays(id)
	}
	for i := range 6 {
		o.opens("192.0.2.1", int64(4+i))
	}
	if _, reason := o.open("192.0.2.1", 10); reason != wire.ReasonClient {
		t.Fatalf("more than three, and three for those that it plays: %q", reason)
	}
	if id, reason := o.s.open(wire.OpenRequest{Pair: 1, Viewer: "192.0.2.1", Again: true}, 11); reason != "" || !o.has(id) {
		t.Fatal("a viewer that had a session is not taken back: " + reason)
	}
}

// What does not fit ends with those that have been given nothing yet.
func TestShedEndsProvisionalSessionsFirst(t *testing.T) {
	o := newOpenerStage(t, 8)
	old, young := o.opens("192.0.2.1", 1), o.opens("192.0.2.1", 2)
	o.plays(young)
	o.s.mu.Lock()
	o.s.capacity = 1
	o.s.mu.Unlock()
	if n := o.s.shed(); n != 1 || o.has(old) || !o.has(young) {
		t.Fatalf("%d shed", n)
	}
}
