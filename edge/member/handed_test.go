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
