package member

import (
	"testing"

	"tandem/internal/wire"
)

// A slot that one viewer leaves, and the next one too, before a notice goes out, is free
// at the neighbour as well, which knew the first one only.
func TestASlotThatTwoHaveLeftIsFreeAtTheNeighbour(t *testing.T) {
	r := newTrio(t, 8)
	first := r.open("e1", 10)
	r.tell("e1", "e2")
	r.tables["e1"].close(first)
	second := r.open("e1", 20)
	if second.Slot != first.Slot {
		t.Fatal("another slot")
	}
	r.tables["e1"].close(second)
	r.tell("e1", "e2")
	if r.has("e2", first) != nil || r.of("e2").slots.Taken() != 0 {
		t.Error("the first one is there for good")
	}
}

// An edge that is a placement behind takes a slot for its own that another one delivers
// already: who leaves there is told to it again when it knows better.
func TestWhoIsBehindHearsAgainWhoHasLeft(t *testing.T) {
	for _, whole := range []bool{false, true} {
		r := newTrio(t, 8)
		id := r.open("e1", 10)
		r.tell("e1", "e2")
		r.tell("e2", "e1")
		r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
		r.follow("e2")
		if !whole {
			r.tell("e2", "e1") // that it delivers the session now is known
		}
		if _, mine := r.tables["e2"].close(id); !mine {
			t.Fatal("e2 does not deliver it")
		}
		if whole {
			r.of("e2").watchers["e1"] = newWatcher(1) // as it returns; what ended is not told by name
		}
		r.tell("e2", "e1")
		if r.has("e1", id) == nil {
			t.Fatal("e1 dropped what it delivers, by what it knows")
		}
		r.follow("e1")
		for range 2 { // whose the slot is now may not have heard of the session, and is told of it
			r.tell("e1", "e2")
			r.tell("e2", "e1")
		}
		if r.has("e1", id) != nil || r.has("e2", id) != nil {
			t.Errorf("whole %t: it is there for good", whole)
		}
	}
}

// Who has been handed a session has the last word on it, and says so to the one that
// had ended it when the commit came.
func TestWhoDeliversInsistsOnWhoIsThere(t *testing.T) {
	for _, whole := range []bool{false, true} {
		r := newTrio(t, 8)
		id := r.open("e1", 10)
		for range 2 {
			r.tell("e1", "e2")
			r.tell("e2", "e1")
		}
		r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
		r.follow("e2")
		r.tell("e2", "e1")
		r.tables["e1"].close(id)
		if whole {
			r.of("e1").watchers["e2"] = newWatcher(1)
		}
		r.tell("e1", "e2")
		r.follow("e1")
		r.tell("e2", "e1")
		if whole { // who has heard nothing refuses what is not
			r.tell("e2", "e1")
		}
		if r.has("e2", id) == nil || r.has("e1", id) == nil {
			t.Errorf("whole %t: %v at who delivers it, %v at the other", whole, r.has("e2", id), r.has("e1", id))
		}
	}
}

// A session that its edge took back by its token has been there all the time at another
// one: since when it is open is told by that one.
func TestTheOneThatMirrorsKnowsSinceWhenASessionIsOpen(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	for range 2 {
		r.tell("e1", "e2")
		r.tell("e2", "e1")
	}
	r.of("e1").forget(id.Slot)
	if binding, reason := r.tables["e1"].touch(id, "/s/", "192.0.2.1", 30); binding.Slot != id.Slot {
		t.Fatal(binding, reason)
	}
	r.tell("e1", "e2")
	r.tell("e2", "e1")
	if s := r.has("e1", id); s.opened != 10 {
		t.Errorf("opened %d", s.opened)
	}
}

// Another one may hold an entry while it is handed over; who delivers it ends it.
func TestOnlyWhoDeliversASessionEndsIt(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	r.tell("e1", "e2")
	if there, mine := r.tables["e2"].close(id); !there || mine || r.has("e2", id) == nil {
		t.Error(there, mine)
	}
	if there, mine := r.tables["e1"].close(id); !there || !mine || r.has("e1", id) != nil {
		t.Error(there, mine)
	}
	if there, mine := r.tables["e1"].close(id); there || mine {
		t.Error("it was ended twice")
	}
}

// An edge that was declared dead while it lives comes back with its tables. What ended
// meanwhile it is not told by name, since nobody knows what it knows: what it is not
// told of is no more.
func TestWhoIsToldWholeForgetsWhoIsNotThere(t *testing.T) {
	r := newTrio(t, 8)
	gone, stays := r.open("e1", 10), r.open("e1", 20)
	r.tell("e1", "e2")
	r.tables["e1"].close(gone)
	r.of("e2").forgetTelling()
	r.change(func(p *wire.Placement) { p.Edges[1].Incarnation = 2 })
	r.follow("e1", "e2")
	r.tell("e1", "e2")
	if r.has("e2", gone) != nil || r.has("e2", stays) == nil {
		t.Errorf("%v, %v", r.has("e2", gone), r.has("e2", stays))
	}
}

// An edge that is a placement behind tells whole what it takes for its own still; who is
// in it at the one that delivers it now stays.
func TestWhoDeliveredBeforeDropsNothing(t *testing.T) {
	r := newTrio(t, 8)
	r.change(func(p *wire.Placement) { p.Pairs[0].Adopted = []wire.Adoption{{Edge: "e3", From: 0, To: 4}} })
	r.follow("e1", "e2", "e3")
	r.change(func(p *wire.Placement) { p.Pairs[0].Adopted = []wire.Adoption{{Edge: "e3", From: 3, To: 4}} })
	r.follow("e1", "e2")
	id := r.open("e1", 10)
	r.tell("e1", "e2")
	r.tell("e3", "e2")
	if r.has("e2", id) == nil {
		t.Error("one who does not deliver it any more has dropped it")
	}
}

// Who takes over tells the others what the dead one may not have told them: a session
// that it had told to one of its watchers alone is with all of them.
func TestWhoTakesOverTellsWhatTheDeadMayNotHave(t *testing.T) {
	r := newTrio(t, 8)
	r.change(func(p *wire.Placement) { // e3 will take e2's place and watches
		p.Edges[1].State, p.Edges[1].Removing = wire.EdgeLeaving, true
	})
	r.follow("e1", "e2", "e3")
	for range 2 {
		r.tell("e2", "e3")
		r.tell("e3", "e2")
	}
	id := r.open("e1", 10)
	r.tell("e1", "e2")
	r.change(func(p *wire.Placement) { p.Edges[0].State = wire.EdgeDown })
	r.follow("e2", "e3")
	r.tell("e2", "e3")
	if r.has("e3", id) == nil {
		t.Error("only the one that delivers it knows of it")
	}
}

// Who is told a table lest two die at once keeps nobody from being ready, and is itself
// ready without it: the cable between it and a member may be broken.
func TestNobodyWaitsForASpareOne(t *testing.T) {
	r := newTrio(t, 8)
	r.open("e1", 10)
	if r.of("e1").complete() {
		t.Error("e1 has heard nothing from e2")
	}
	for range 2 {
		r.tell("e1", "e2")
		r.tell("e2", "e1")
	}
	for _, edge := range []string{"e1", "e2", "e3"} {
		if !r.of(edge).complete() {
			t.Errorf("%s waits", edge)
		}
	}
}

// A new life of an edge has told nobody anything, and nobody has told it anything.
func TestANewLifeTellsAndIsToldEverything(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	for range 2 {
		r.tell("e1", "e2")
		r.tell("e2", "e1")
	}
	if !r.of("e1").complete() {
		t.Fatal("all is told, and it waits")
	}
	r.of("e1").forgetTelling()
	if r.of("e1").complete() {
		t.Error("it holds its table whole, and has heard nobody")
	}
	o := r.send("e1", "e2")
	if n := o.notice; n.Covers != (wire.Run{To: n.Slots}) || len(n.Changes) != 1 || n.Changes[0].Generation != id.Generation || n.Changes[0].Stream == "" {
		t.Errorf("it tells %+v", o.notice)
	}
}

// A table may grow at one edge before it does at the other, and shrink and grow between
// two looks of a slow one: what was beyond its end is told when it is there.
func TestWhatIsBeyondTheEndOfATableIsToldAgain(t *testing.T) {
	r := newTrio(t, 8)
	r.tell("e1", "e2")
	r.tell("e2", "e1")
	slots := func(n int) {
		r.change(func(p *wire.Placement) { p.Pairs[0].Slots, p.Pairs[0].Boundary, p.Pairs[0].Home = n, n, n })
	}
	slots(12)
	r.follow("e1")
	id := wire.SessionID{Pair: 1, Slot: 10, Generation: 7}
	if binding, reason := r.tables["e1"].touch(id, "/s/", "192.0.2.1", 10); binding.Slot != id.Slot {
		t.Fatal(binding, reason)
	}
	for range 2 {
		r.tell("e1", "e2") // which has no such slot
	}
	r.follow("e2")
	for range 2 {
		r.tell("e1", "e2")
	}
	if r.has("e2", id) == nil {
		t.Fatal("it came before there was a place for it, and no more")
	}
	slots(4)
	r.follow("e2")
	slots(12)
	r.follow("e1", "e2")
	for range 2 {
		r.tell("e1", "e2")
	}
	if r.has("e2", id) == nil {
		t.Error("it went when there was no place for it, and no more came")
	}
}

// Who is told by a session's deliverer that it has ended does not take it in again of the
// one before, whose notice was on its way for longer: that one hears of the end as well, and
// tells nobody that what it told is over.
func TestWhatHasEndedIsNotToldAgainByALateNotice(t *testing.T) {
	for _, known := range []bool{false, true} {
		r := newTrio(t, 8)
		all := []string{"e1", "e2", "e3"}
		for range 2 {
			for _, from := range all {
				for _, to := range all {
					if from != to {
						r.tell(from, to)
					}
				}
			}
		}
		id := r.open("e1", 10)
		r.tell("e1", "e2")
		if known {
			r.tell("e1", "e3")
			r.of("e1").tell(id.Slot, id.Generation) // it has gone on
		}
		late := r.send("e1", "e3")
		r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
		r.follow(all...)
		if _, mine := r.tables["e2"].close(id); !mine {
			t.Fatal("e2 does not deliver it")
		}
		r.tell("e2", "e3")
		r.tell("e2", "e1")
		r.take(late, "e3")
		for range 3 {
			for _, from := range all {
				for _, to := range all {
					if from != to {
						r.tell(from, to)
					}
				}
			}
		}
		for _, name := range all {
			if r.has(name, id) != nil {
				t.Errorf("known %v: %s has it for good", known, name)
			}
		}
	}
}

// But who delivers the slot by a placement that has not come here yet is told again to tell
// when it has: it may have taken the session in once more.
func TestWhatHasEndedIsHeardOfAgainByANewerPlacement(t *testing.T) {
	r := newTrio(t, 8)
	id := r.open("e1", 10)
	for range 2 {
		for _, way := range [][2]string{{"e1", "e2"}, {"e1", "e3"}, {"e2", "e1"}, {"e2", "e3"}} {
			r.tell(way[0], way[1])
		}
	}
	r.tables["e1"].close(id)
	r.tell("e1", "e3")
	if r.has("e3", id) != nil {
		t.Fatal("e3 has not heard of the end")
	}
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = 0 })
	r.follow("e1", "e2")
	if r.has("e2", id) == nil {
		t.Fatal("e2 has heard of the end")
	}
	r.of("e2").startOver("e3")
	r.tell("e2", "e3")
	r.follow("e3")
	r.tell("e2", "e3")
	if r.has("e3", id) == nil {
		t.Error("e2 delivers it, and e3 does not hear of it any more")
	}
}

// startOver makes the next notices to one tell everything.
func (t *table) startOver(to string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers[to].startOver()
}

// TestWhoIsToldOfAnotherInASlotAsksItsDeliverer: the one who delivered the slot meanwhile, and
// never heard of the session in it, gave it to another viewer, and says so once more when it is
// the first one's again. The third edge, which had heard of both, kept the wrong one for good.
func TestWhoIsToldOfAnotherInASlotAsksItsDeliverer(t *testing.T) {
	r := newTrio(t, 8)
	all := []string{"e1", "e2", "e3"}
	around := func() {
		for _, from := range all {
			for _, to := range all {
				if from != to {
					r.tell(from, to)
				}
			}
		}
	}
	around()
	around()
	first := r.open("e1", 10)
	r.tell("e1", "e3") // and what is told e2 is lost
	before := 0
	r.change(func(p *wire.Placement) { before, p.Pairs[0].Boundary = p.Pairs[0].Boundary, 0 })
	r.follow("e1", "e2")
	second := r.open("e2", 20)
	for second.Slot != first.Slot {
		second = r.open("e2", 20)
	}
	late := r.send("e2", "e3")
	r.change(func(p *wire.Placement) { p.Pairs[0].Boundary = before })
	r.follow(all...)
	r.take(late, "e3")
	for range 3 {
		around()
	}
	for _, name := range all {
		if r.has(name, first) == nil || r.has(name, second) != nil {
			t.Errorf("%s has %v of the one who delivers, %v of the other", name, r.has(name, first) != nil, r.has(name, second) != nil)
		}
	}
}
