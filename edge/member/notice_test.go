package member

import (
	"fmt"
	"strings"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// trio is a ring of three with a placement that tests change.
type trio struct {
	t         *testing.T
	placement *wire.Placement
	tables    map[string]*tables
	at        map[string]*wire.Placement // what each follows
}

func newTrio(t *testing.T, capacity int) *trio {
	p := &wire.Placement{Version: 1, Admission: ring.PairAdmission}
	r := &trio{t: t, tables: map[string]*tables{}, at: map[string]*wire.Placement{}}
	for _, name := range []string{"e1", "e2", "e3"} {
		p.Edges = append(p.Edges, wire.Edge{Name: name, Capacity: capacity, State: wire.EdgeUp, Incarnation: 1})
		r.tables[name] = newTables(name)
	}
	r.placement = ring.Form(p.Index())
	r.placement.Version = 1
	r.follow("e1", "e2", "e3")
	return r
}

// change commits a change of the first pair, e1 and e2, or of the edges.
func (r *trio) change(f func(p *wire.Placement)) {
	next := ring.Copy(r.placement)
	next.Version = r.placement.Version + 1
	f(next)
	r.placement = next.Index()
}

func (r *trio) follow(names ...string) {
	for _, name := range names {
		r.at[name] = r.placement
		r.tables[name].follow(r.placement, 0)
	}
}

func (r *trio) of(edge string) *table { return r.tables[edge].table(1) }

// send makes a notice of the first pair; take lets it come.
func (r *trio) send(from, to string) *outgoing {
	return r.of(from).notice(to, 1, r.tables[from].sequence.Add(1), r.at[from].Version)
}

func (r *trio) take(o *outgoing, to string) bool {
	n, err := wire.DecodeNotice(o.notice.Append(nil))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.of(to).take(n)
}

// tell is a notice and its answer.
func (r *trio) tell(from, to string) {
	o := r.send(from, to)
	if r.take(o, to) {
		r.of(from).acknowledged(o)
	} else {
		r.of(from).refused(o)
	}
}

func (r *trio) open(edge string, now int64) wire.SessionID {
	r.t.Helper()
	id, reason := r.tables[edge].open(wire.OpenRequest{Pair: 1, Stream: "/s/", Viewer: "192.0.2.1"}, now)
	if reason != "" {
		r.t.Fatal(reason)
	}
	return id
}

func (r *trio) has(edge string, id wire.SessionID) *session {
	slot, ok := r.of(edge).find(id)
	if !ok {
		return nil
	}
	return r.of(edge).sessions[slot]
}

func (r *trio) segment(edge string, id wire.SessionID, n int64) {
	r.tables[edge].delivered(1, id.Slot, wire.Track{Kind: wire.VideoTrack, Target: fmt.Sprint("/s/", n), Sequence: n, At: n}, false)
}

// What happens between a notice and its answer is news for the next one.
func TestWhatChangesUnderANoticeIsToldByTheNext(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.tell("e1", "e2")
	r.segment("e1", id, 20)
	o := r.send("e1", "e2")
	r.segment("e1", id, 21)
	if !r.take(o, "e2") {
		t.Fatal("refused")
	}
	r.of("e1").acknowledged(o)
	if s := r.has("e2", id); s.tracks[wire.VideoTrack].Sequence != 20 {
		t.Fatalf("%+v", s.tracks)
	}
	if o = r.send("e1", "e2"); len(o.notice.Changes) != 1 || len(o.notice.Changes[0].Tracks) != 1 || o.notice.Changes[0].Stream != "" {
		t.Fatalf("%+v", o.notice.Changes)
	}
	r.take(o, "e2")
	r.of("e1").acknowledged(o)
	if s := r.has("e2", id); s.tracks[wire.VideoTrack].Sequence != 21 {
		t.Errorf("%+v", s.tracks)
	}
	if o = r.send("e1", "e2"); len(o.notice.Changes) != 0 {
		t.Errorf("said again: %+v", o.notice.Changes)
	}
	// Also what is no request.
	r.segment("e1", id, 22)
	o = r.send("e1", "e2")
	r.tables["e1"].asked(1, id.Slot, "/s/v.m3u8")
	r.take(o, "e2")
	r.of("e1").acknowledged(o)
	if o = r.send("e1", "e2"); len(o.notice.Changes) != 1 || len(o.notice.Changes[0].Manifests) != 1 {
		t.Errorf("%+v", o.notice.Changes)
	}
}

// A table that does not fit into one notice is told in parts, and is whole with the
// last one; the same holds when a watcher has lost it and it is told anew.
func TestATableThatFitsIntoNoNoticeIsToldInParts(t *testing.T) {
	const sessions = 20000 // more than MaxNoticeChanges
	r := newTrio(t, sessions*2)
	long := "/s/" + strings.Repeat("x", 500)
	for i := range sessions {
		id := r.open("e1", 10)
		r.tables["e1"].delivered(1, id.Slot, wire.Track{Kind: wire.VideoTrack, Target: fmt.Sprint(long, i), At: 10}, false)
	}
	for _, what := range []string{"at first", "anew"} {
		whole := 0
		for parts := 1; whole == 0; parts++ {
			o := r.send("e1", "e2")
			if b := o.notice.Append(nil); len(b) > wire.MaxNotice || len(o.notice.Changes) > wire.MaxNoticeChanges {
				t.Fatalf("a notice of %d bytes, %d changes", len(b), len(o.notice.Changes))
			}
			if !r.take(o, "e2") {
				t.Fatal("refused")
			}
			r.of("e1").acknowledged(o)
			if parts > 30 {
				t.Fatal("it never ends")
			}
			if !o.notice.More {
				whole = parts
			}
			if heard := r.of("e2").watchers["e1"].current == 1; heard != (whole > 0) {
				t.Fatalf("%s, part %d: heard %v", what, parts, heard)
			}
		}
		if n := r.of("e2").slots.Taken(); whole < 5 || n != sessions {
			t.Fatalf("%s: %d sessions in %d parts", what, n, whole)
		}
		r.tables["e2"] = newTables("e2")
		r.follow("e2")
		if o := r.send("e1", "e2"); r.take(o, "e2") {
			t.Fatal("news is taken by one who knows nothing")
		} else {
			r.of("e1").refused(o)
		}
	}
}

// A part that was lost on its way is not passed over.
func TestAPartThatWasLostIsToldAgain(t *testing.T) {
	r := newTrio(t, 4000)
	for range 2000 {
		id := r.open("e1", 10)
		r.tables["e1"].delivered(1, id.Slot, wire.Track{Target: fmt.Sprint(strings.Repeat("x", 1000), id.Slot), At: 10}, false)
	}
	first := r.send("e1", "e2")
	if !first.notice.More {
		t.Fatal("it fits into one")
	}
	r.of("e1").acknowledged(first) // by another life of e2, say
	if second := r.send("e1", "e2"); r.take(second, "e2") {
		t.Error("the second part is taken without the first")
	}
}

// The former deliverer has news for the new one; that one has told it meanwhile that
// the slot is free, as it did not know better.
func TestAnEntryIsNotDroppedBeforeItIsToldToWhoDeliversIt(t *testing.T) {
	r := newTrio(t, 8)
	r.tell("e2", "e1")
	id := r.open("e1", 10) // slot 0, not told yet
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
	r.follow("e1", "e2")
	r.of("e2").watchers["e1"].startOver()
	r.tell("e2", "e1") // all of its side: slot 0 is free
	if r.has("e1", id) == nil {
		t.Fatal("nobody has the entry any more")
	}
	r.tell("e1", "e2")
	if s := r.has("e2", id); s == nil || s.opened != 10 {
		t.Fatalf("%+v", s)
	}
	if list, _ := r.tables["e2"].sessions(10); len(list) != 1 || list[0].SessionID != id {
		t.Errorf("%+v", list)
	}
}

// By a newer placement the receiver of a notice is who delivers; what the sender does
// not name any more is not gone by that.
func TestWhoLearnsLaterOfAChangeDoesNotDropWhatBecameItsOwn(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.tell("e1", "e2")
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 }) // to e2, who does not know yet
	r.follow("e1")
	r.of("e1").watchers["e2"].startOver()
	r.tell("e1", "e2")
	if r.has("e2", id) == nil {
		t.Error("the entry is gone where it is to be delivered")
	}
}

// Two edges gave the same slot away, for a moment, to two viewers: who delivers the
// slot keeps its own.
func TestANeighboursSessionDoesNotTakeASlotThatIsTaken(t *testing.T) {
	r := newTrio(t, 8)
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
	r.follow("e2")
	var own wire.SessionID
	for own = r.open("e2", 20); own.Slot != 0; own = r.open("e2", 20) {
	}
	other := r.open("e1", 30) // by the old placement: slot 0
	r.tell("e1", "e2")
	if r.has("e2", own) == nil || r.has("e2", other) != nil || r.tables["e2"].delivering() != 8 {
		t.Error("it lost its own sessions")
	}
}

// One who does not deliver a slot tells of who was in it before.
func TestAnOlderEntryOfOneWhoDoesNotDeliverIsNoNews(t *testing.T) {
	r := newTrio(t, 8)
	old := r.open("e1", 10)
	r.tell("e1", "e2")
	r.tables["e1"].close(old)
	young := r.open("e1", 20)
	r.change(func(p *wire.Placement) { // e3 will take e2's place and watches
		p.Edges[1].State, p.Edges[1].Removing = wire.EdgeLeaving, true
	})
	r.follow("e1", "e2", "e3")
	r.tell("e1", "e3")
	c := r.of("e2").sessions[old.Slot]
	r.of("e3").mirror(&wire.Notice{Edge: "e2"}, &wire.Change{Slot: old.Slot, Generation: c.generation, Stream: c.stream, Viewer: c.viewer, Opened: c.opened})
	if r.has("e3", young) == nil || r.has("e3", old) != nil {
		t.Error("the old entry took the young one's place")
	}
}

// A session has ended here, and one that was told of its opening alone tells of it:
// it is told of the end. A session that went on elsewhere meanwhile has not ended.
func TestAnEndIsNotUndoneByOneWhoHasNotHeardOfIt(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.tell("e1", "e2")
	r.tables["e1"].close(id)
	r.of("e2").watchers["e1"].startOver()
	r.tell("e2", "e1")
	if r.has("e1", id) != nil {
		t.Fatal("it is back")
	}
	r.tell("e1", "e2")
	if r.has("e2", id) != nil {
		t.Error("e2 was not told of the end")
	}
	r.of("e1").mirror(&wire.Notice{Edge: "e2"}, &wire.Change{Slot: id.Slot, Generation: id.Generation, Stream: "/v/", Opened: 10, Seen: 11})
	if r.has("e1", id) == nil {
		t.Error("a session that was seen after its end here is lost")
	}
}

// Who is to hold a table waits for all who may know something: also for one that
// delivered before and has not yet told who delivers now.
func TestATableIsWholeWhenItsDelivererHasBeenToldAll(t *testing.T) {
	r := newTrio(t, 8)
	r.tables["e4"] = newTables("e4")
	r.change(func(p *wire.Placement) {
		p.Edges = append(p.Edges, wire.Edge{Name: "e4", Capacity: 8, State: wire.EdgeJoining, After: "e1", Incarnation: 1})
	})
	r.follow("e1", "e2", "e4")
	for range 2 {
		for _, way := range []string{"e1e2", "e2e1", "e1e4", "e2e4", "e4e1", "e4e2"} {
			r.tell(way[:2], way[2:])
		}
	}
	if !r.of("e4").complete() || !r.of("e1").complete() {
		t.Fatal("all is told, and they wait")
	}
	id := r.open("e2", 10)
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = p.Pairs[0].Slots }) // to e1
	r.follow("e1", "e2", "e4")
	r.tell("e1", "e4")
	r.tell("e2", "e4")
	if r.of("e4").complete() {
		t.Fatal("e1 delivers, and has not heard what e2 knows")
	}
	r.tell("e4", "e1")
	r.tell("e2", "e1")
	r.tell("e1", "e4")
	if s := r.has("e4", id); !r.of("e4").complete() || s == nil || s.opened != 10 {
		t.Error("all is told, and it waits, or lacks an entry")
	}
}

// A token's session that sits in another slot is found there by whoever holds the
// table.
func TestAnAliasGoesWithTheEntry(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.tables["e1"].close(id)
	r.open("e1", 20)
	binding, reason := r.tables["e1"].touch(id, "/s/", "192.0.2.1", 30)
	if reason != "" || binding.Slot == id.Slot {
		t.Fatal(binding, reason)
	}
	r.tell("e1", "e2")
	if s := r.has("e2", id); s == nil || s.opened != 30 {
		t.Fatalf("%+v", s)
	}
	r.change(func(p *wire.Placement) { p.Edges[0].State = wire.EdgeDown })
	r.follow("e2", "e3")
	if again, _ := r.tables["e2"].touch(id, "/s/", "192.0.2.1", 40); again.Slot != binding.Slot {
		t.Errorf("slot %d, not %d", again.Slot, binding.Slot)
	}
	if n := r.tables["e2"].delivering(); n != 2 {
		t.Errorf("%d sessions", n)
	}
}

// Whoever is readmitted by a token gets the entry back that another edge had.
func TestTheOlderEntryOfTheSameSessionIsTheTrueOne(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
	r.follow("e1", "e2")
	if binding, reason := r.tables["e2"].touch(id, "/s/", "192.0.2.1", 30); binding.Slot != id.Slot || reason != "" {
		t.Fatal(binding, reason)
	}
	r.tell("e2", "e1")
	r.tell("e1", "e2")
	if s := r.has("e2", id); s.opened != 10 {
		t.Errorf("opened %d", s.opened)
	}
}

// A viewer comes back whose stream has been taken off its pairs. Its name is not known,
// its session is told to the neighbour all the same, and so is the name when there is one.
func TestASessionOfAStreamThatIsNotPlacedIsTold(t *testing.T) {
	r := newTrio(t, 8)
	r.tell("e1", "e2")
	id := wire.SessionID{Pair: 1, Slot: 2, Generation: 7}
	for _, stream := range []string{wire.UnnamedStream(99), "/s/", wire.UnnamedStream(99)} {
		r.tables["e1"].touch(id, stream, "192.0.2.1", 10)
		o := r.send("e1", "e2")
		if !r.take(o, "e2") {
			t.Fatalf("%q: refused", stream)
		}
		r.of("e1").acknowledged(o)
		want := "/s/"
		if r.has("e1", id).stream == wire.UnnamedStream(99) {
			want = wire.UnnamedStream(99)
		}
		if s := r.has("e2", id); s == nil || s.stream != want || s.opened != 10 {
			t.Fatalf("%q: %+v", stream, s)
		}
	}
	if s := r.has("e2", id); s.stream != "/s/" {
		t.Errorf("it is called %q", s.stream)
	}
}
