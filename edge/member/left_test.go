package member

import "testing"

// Two have left a slot, one after the other, and a neighbour that has heard of neither tells
// of the first one: it is not taken in again by anybody who knew that it had ended.
func TestWhoHasLeftASlotBeforeAnotherIsNotToldAgain(t *testing.T) {
	r := newTrio(t, 8)
	first := r.open("e1", 10)
	r.tell("e1", "e2")
	r.tell("e1", "e3")
	r.tables["e1"].close(first)
	r.tell("e1", "e3")
	second := r.open("e1", 20)
	r.tables["e1"].close(second)
	r.tell("e1", "e3")
	for _, to := range []string{"e1", "e3"} {
		r.of("e2").watchers[to] = newWatcher(1)
		r.of("e2").tell(first.Slot, first.Generation)
		r.tell("e2", to)
		if second.Slot != first.Slot || r.has(to, first) != nil {
			t.Errorf("%s takes it in again", to)
		}
	}
	for range 3 { // the first is refused: e2 has forgotten what it was told
		r.tell("e2", "e1")
		r.tell("e1", "e2")
	}
	if r.has("e2", first) != nil {
		t.Error("e2 has it for good")
	}
	r.tell("e2", "e3")
	if r.of("e3").slots.Taken() != 0 {
		t.Error("e3 has it for good")
	}
}

// Whoever knows of one in a slot, and hears that another one has left it, knows by that that
// the one before has left as well, when it is told of that once more.
func TestWhoHearsOfAnotherThatHasLeftKnowsThatTheOneBeforeHas(t *testing.T) {
	r := newTrio(t, 8)
	first := r.open("e1", 10)
	r.tell("e1", "e2")
	r.tell("e1", "e3")
	r.tables["e1"].close(first)
	r.tables["e1"].close(r.open("e1", 20))
	r.tell("e1", "e2")
	if r.has("e2", first) != nil {
		t.Fatal("it is there")
	}
	r.of("e3").watchers["e2"] = newWatcher(1)
	r.of("e3").tell(first.Slot, first.Generation)
	r.tell("e3", "e2")
	if r.has("e2", first) != nil {
		t.Error("e2 takes it in again")
	}
}
