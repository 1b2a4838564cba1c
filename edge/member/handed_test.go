package member

import (
	"testing"

	"tandem/internal/wire"
)

// around lets everybody who lives tell everybody what is known.
func (r *trio) around(alive ...string) {
	for _, from := range alive {
		for _, to := range alive {
			if from != to {
				r.tell(from, to)
			}
		}
	}
}

// TestWhoDeliversSaysAnewWhoIsThere: a session has ended at the one who delivered it, and one that
// has not heard of that delivers its slot now. It had told another one of it before that heard
// of the end, and thought that this one knew: they said different things of the slot for good.
func TestWhoDeliversSaysAnewWhoIsThere(t *testing.T) {
	r := newTrio(t, 8)
	r.around("e1", "e2", "e3")
	r.around("e1", "e2", "e3")
	id := r.open("e1", 10)
	r.around("e1", "e2", "e3")
	r.of("e3").watchers["e1"].startOver()
	r.tell("e3", "e1")
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
	r.follow("e1", "e2")
	r.around("e1", "e2")
	r.tables["e2"].close(id)
	r.tell("e2", "e1")
	if r.has("e1", id) != nil || r.has("e3", id) == nil {
		t.Fatal("e1 has not heard of the end, or e3 has")
	}
	r.change(func(p *wire.Placement) {
		p.Edges[1].State = wire.EdgeDown
		p.Pairs[0].Adopted = []wire.Adoption{{Edge: "e3", From: 0, To: p.Pairs[0].Slots}}
	})
	r.follow("e1", "e3")
	for range 3 {
		r.around("e1", "e3")
	}
	if one, other := r.has("e1", id) != nil, r.has("e3", id) != nil; one != other {
		t.Errorf("e1 has it: %t, e3, which delivers it: %t", one, other)
	}
}

// TestWhatIsHeardOfOneWhoDiesIsToldToWhoDelivers: a session is handed on; who had it tells the
// third edge, and dies before it has told the one whose it is now.
func TestWhatIsHeardOfOneWhoDiesIsToldToWhoDelivers(t *testing.T) {
	r := newTrio(t, 8)
	r.around("e1", "e2", "e3")
	r.around("e1", "e2", "e3")
	id := r.open("e1", 10)
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
	r.follow("e1", "e2", "e3")
	r.tell("e1", "e3") // and what is told e2 is lost
	r.change(func(p *wire.Placement) { p.Edges[0].State = wire.EdgeDown })
	r.follow("e2", "e3")
	for range 3 {
		r.around("e2", "e3")
	}
	if r.has("e2", id) == nil {
		t.Error("e2 delivers the slot and has no entry")
	}
}

// TestWhenASessionWasOpenedIsToldToWhoHasHeardOtherwise: one who delivers it by its token alone
// has told a third one that it was opened then, and hears of its entry after that.
func TestWhenASessionWasOpenedIsToldToWhoHasHeardOtherwise(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.tell("e1", "e2")
	r.of("e1").forget(id.Slot)
	if seat, reason := r.tables["e1"].touch(id, "/s/", "192.0.2.1", 50); seat.Slot != id.Slot || reason != "" {
		t.Fatal(seat, reason)
	}
	r.tell("e1", "e3")
	if s := r.has("e3", id); s == nil || s.opened != 50 {
		t.Fatalf("%+v", s)
	}
	r.tell("e2", "e1")
	r.tell("e1", "e3")
	for _, edge := range []string{"e1", "e2", "e3"} {
		if s := r.has(edge, id); s == nil || s.opened != 10 {
			t.Errorf("%s: %+v", edge, s)
		}
	}
}

// TestAnEndIsToldUntilItIsHeard, and no longer; and who is back by its token before that was
// heard is told as well.
func TestAnEndIsToldUntilItIsHeard(t *testing.T) {
	r := newTrio(t, 8)
	r.around("e1", "e2", "e3")
	id := r.open("e1", 10)
	r.around("e1", "e2", "e3")
	r.tables["e1"].close(id)
	for range 2 { // the first one is lost
		if o := r.send("e1", "e2"); len(o.notice.Changes) != 1 || !o.notice.Changes[0].Gone {
			t.Fatalf("%+v", o.notice.Changes)
		}
	}
	o := r.send("e1", "e2")
	r.tables["e1"].touch(id, "/s/", "192.0.2.1", 20)
	if !r.take(o, "e2") || r.has("e2", id) != nil {
		t.Fatal("the end was not heard")
	}
	r.of("e1").acknowledged(o)
	r.tell("e1", "e2")
	if s := r.has("e2", id); s == nil || s.opened != 20 {
		t.Fatalf("back, and nobody was told: %+v", s)
	}
	r.tables["e1"].close(id)
	r.tell("e1", "e2")
	if o := r.send("e1", "e2"); len(o.notice.Changes) != 0 || r.has("e2", id) != nil {
		t.Errorf("heard, and told again: %+v", o.notice.Changes)
	}
}

// TestWhatHappensUnderANoticeIsTold: a notice is on its way, and is answered, while its session
// asks again, ends, or another one takes its slot.
func TestWhatHappensUnderANoticeIsTold(t *testing.T) {
	for what, c := range map[string]struct {
		happens func(r *trio, id wire.SessionID)
		seen    int64 // of who is in the slot then; 0: nobody
	}{
		"it asks":    {func(r *trio, id wire.SessionID) { r.tables["e1"].touch(id, "/s/", "192.0.2.1", 30) }, 30},
		"it ends":    {func(r *trio, id wire.SessionID) { r.tables["e1"].close(id) }, 0},
		"another is": {func(r *trio, id wire.SessionID) { r.tables["e1"].close(id); r.open("e1", 10) }, 10},
	} {
		r := newTrio(t, 8)
		r.around("e1", "e2", "e3")
		id := r.open("e1", 10)
		o := r.send("e1", "e2")
		c.happens(r, id)
		if !r.take(o, "e2") {
			t.Fatal(what, "refused")
		}
		r.of("e1").acknowledged(o)
		r.tell("e1", "e2")
		have, want := r.of("e2").sessions[id.Slot], r.of("e1").sessions[id.Slot]
		switch {
		case c.seen == 0:
			if have != nil {
				t.Errorf("%s: %+v", what, have)
			}
		case have == nil || have.generation != want.generation || have.seen != c.seen:
			t.Errorf("%s: %+v, not %+v", what, have, want)
		default:
			if o := r.send("e1", "e2"); len(o.notice.Changes) > 0 {
				t.Errorf("%s: told, and answered, and told again: %+v", what, o.notice.Changes)
			}
			r.of("e1").tell(id.Slot, want.generation)
			if o := r.send("e1", "e2"); len(o.notice.Changes) != 1 || o.notice.Changes[0].Stream != "" {
				t.Errorf("%s: who is there is told again: %+v", what, o.notice.Changes)
			}
		}
	}
}

// TestOnlyWhoHoldsATableIsHeard: what comes late of one that was taken out is refused.
func TestOnlyWhoHoldsATableIsHeard(t *testing.T) {
	r := newTrio(t, 8)
	n := &wire.Notice{Edge: "e9", Incarnation: 1, Sequence: 1, Pair: 1, Version: 1, Slots: 8, Covers: wire.Run{From: 0, To: 8}, Changes: []wire.Change{{Slot: 1, Generation: 5, Stream: "/s/"}}}
	if r.of("e2").take(n) || len(r.of("e2").sessions) > 0 {
		t.Errorf("%+v", r.of("e2").sessions)
	}
}
