package ring

import (
	"fmt"
	"testing"

	"tandem/internal/wire"
)

// TestWhoDeliversASlotAndWhoGoesOn: the member on whose side it stands, while that delivers,
// and then the other one (claims 11, 19); beside it who has the copy, else the next living
// edge of the ring.
func TestWhoDeliversASlotAndWhoGoesOn(t *testing.T) {
	type states map[string]wire.EdgeState
	for _, c := range []struct {
		states        states
		low, high     string // who delivers the slots on both sides of the boundary of e2 and e3
		after, before string // who goes on for those
	}{
		{states{}, "e2", "e3", "e3", "e2"},
		{states{"e2": wire.EdgeLeaving}, "e2", "e3", "e3", "e2"},
		{states{"e2": wire.EdgeDraining}, "e3", "e3", "e2", "e2"},
		{states{"e3": wire.EdgeDraining}, "e2", "e2", "e3", "e3"},
		{states{"e2": wire.EdgeDown}, "e3", "e3", "e4", "e4"},
		{states{"e3": wire.EdgeDown}, "e2", "e2", "e4", "e4"},
		{states{"e3": wire.EdgeRecovering}, "e2", "e2", "e4", "e4"}, // it has not copied yet
		{states{"e2": wire.EdgeDown, "e4": wire.EdgeDraining}, "e3", "e3", "e1", "e1"},
		{states{"e3": wire.EdgeDown, "e4": wire.EdgeDown, "e1": wire.EdgeDown}, "e2", "e2", "", ""},
		{states{"e2": wire.EdgeDown, "e3": wire.EdgeDown}, "", "", "e1", "e1"},
		{states{"e2": wire.EdgeDraining, "e3": wire.EdgeDraining}, "", "", "e2", "e2"},
	} {
		p := ringOf(FailSafeAdmission, 8, 8, 8, 8)
		for name, state := range c.states {
			p = setState(p, name, state)
		}
		q := &p.Pairs[1]
		for slot, want := range map[int][2]string{3: {c.low, c.after}, 4: {c.high, c.before}, 8: {c.high, c.before}, 99: {c.high, c.before}} {
			if edge, next := Route(p, q, slot); edge != want[0] || next != want[1] {
				t.Errorf("%v: slot %d: %s, and then %s; want %s, %s", c.states, slot, edge, next, want[0], want[1])
			}
			if edge := Owner(p, q, slot); edge != want[0] {
				t.Errorf("%v: slot %d is %s's", c.states, slot, edge)
			}
		}
	}
}

// TestATokenBeyondTheTableIsItsLastSlots: a table that has shrunk.
func TestATokenBeyondTheTableIsItsLastSlots(t *testing.T) {
	p := ringOf(FailSafeAdmission, 8, 8, 8)
	q := &p.Pairs[0]
	q.Boundary = 7
	q.Adopted = []wire.Adoption{{Edge: "e3", From: 7, To: 8}}
	for slot, want := range map[int]string{6: "e1", 7: "e3", 8: "e3", 100: "e3"} {
		if got := Owner(p, q, slot); got != want {
			t.Errorf("slot %d: %s, want %s", slot, got, want)
		}
	}
	q.Adopted = nil
	q.Boundary = 8
	if got := Owner(p, q, 8); got != "e1" {
		t.Errorf("low has all, and slot 8 is %s's", got)
	}
}

// TestPartsOfATable: runs of slots with one owner, those that were given away included, in
// whatever order they stand; who is given slots and does not deliver has none.
func TestPartsOfATable(t *testing.T) {
	p := setState(ringOf(FailSafeAdmission, 8, 8, 8, 8, 8), "e5", wire.EdgeDown)
	q := &p.Pairs[0]
	q.Adopted = []wire.Adoption{{Edge: "e4", From: 6, To: 99}, {Edge: "e5", From: 1, To: 2}, {Edge: "e3", From: -1, To: 1}}
	equal(t, "parts", Parts(p, q), []Part{{0, 1, "e3"}, {1, 4, "e1"}, {4, 6, "e2"}, {6, 8, "e4"}})
	for edge, runs := range map[string][]wire.Run{"e1": {{From: 1, To: 4}}, "e2": {{From: 4, To: 6}}, "e3": {{From: 0, To: 1}}, "e4": {{From: 6, To: 8}}, "e5": nil} {
		equal(t, "slots of "+edge, Owned(p, q, edge), runs)
	}
	q.Adopted = []wire.Adoption{{Edge: "e3", From: 2, To: 6}}
	for slot, want := range map[int]string{1: "e1", 2: "e3", 5: "e3", 6: "e2"} {
		if got := Owner(p, q, slot); got != want {
			t.Errorf("slot %d: %s, want %s", slot, got, want)
		}
	}
}

// TestWhoMayGoOnWithHowMany: what an edge takes back is what Settle counts on.
func TestWhoMayGoOnWithHowMany(t *testing.T) {
	for state, want := range map[wire.EdgeState]int{
		wire.EdgeUp: 8, wire.EdgeLeaving: 8, wire.EdgeDraining: 0, wire.EdgeRecovering: 0, wire.EdgeDown: 0, wire.EdgeJoining: 0, wire.EdgePending: 0,
	} {
		p := setState(ringOf(FailSafeAdmission, 8, 8, 8), "e2", state)
		if n := Grants(p, "e2"); n != want {
			t.Errorf("%s: %d", state, n)
		}
		in := state != wire.EdgeJoining && state != wire.EdgePending
		if n := len(Members(p)); (n == 3) != in {
			t.Errorf("%s: %d members", state, n)
		}
	}
	if n := Grants(ringOf(FailSafeAdmission, 8, 8, 8), "e9"); n != 0 {
		t.Errorf("one that is not there: %d", n)
	}
}

// TestWhoFillsAKey (claim 5): each member half of the keys, while both have copies; the other
// one gets what the filler has, one that recovers as well.
func TestWhoFillsAKey(t *testing.T) {
	const keys = 400
	for _, c := range []struct {
		low, high     wire.EdgeState
		fills, copies map[string]int // how many keys, "": nobody
	}{
		{wire.EdgeUp, wire.EdgeUp, map[string]int{"e1": keys / 2, "e2": keys / 2}, map[string]int{"e1": keys / 2, "e2": keys / 2}},
		{wire.EdgeLeaving, wire.EdgeDraining, map[string]int{"e1": keys / 2, "e2": keys / 2}, map[string]int{"e1": keys / 2, "e2": keys / 2}},
		{wire.EdgeDown, wire.EdgeUp, map[string]int{"e2": keys}, map[string]int{"": keys}},
		{wire.EdgeUp, wire.EdgeDown, map[string]int{"e1": keys}, map[string]int{"": keys}},
		{wire.EdgeRecovering, wire.EdgeUp, map[string]int{"e2": keys}, map[string]int{"e1": keys}},
		{wire.EdgeUp, wire.EdgeRecovering, map[string]int{"e1": keys}, map[string]int{"e2": keys}},
		{wire.EdgeDown, wire.EdgeDown, map[string]int{"": keys}, map[string]int{"": keys}},
	} {
		p := setState(setState(ringOf(FailSafeAdmission, 8, 8, 8), "e1", c.low), "e2", c.high)
		fills, copies := map[string]int{}, map[string]int{}
		for n := range keys {
			filler, other := Filler(p, &p.Pairs[0], fmt.Sprintf("/v/%d.m4s", n))
			fills[filler]++
			copies[other]++
			if filler == other && filler != "" {
				t.Fatalf("%s is both", filler)
			}
		}
		for what, counts := range map[string][2]map[string]int{"fill": {fills, c.fills}, "copy": {copies, c.copies}} {
			for _, edge := range []string{"", "e1", "e2"} {
				if got, want := counts[0][edge], counts[1][edge]; got < want*3/4 || got > want*5/4 {
					t.Errorf("%s and %s: %q %s %d keys, want %d", c.low, c.high, edge, what, got, want)
				}
			}
		}
	}
}

// TestWhoStandsIn (claims 12, 13): whose neighbour has failed, is dead or not copied yet;
// who delivers beyond home; who was given slots. Not whose neighbour is drained, nor for a
// pair that retires.
func TestWhoStandsIn(t *testing.T) {
	for _, state := range []wire.EdgeState{wire.EdgeDown, wire.EdgeRecovering} {
		p := setState(ringOf(FailSafeAdmission, 8, 8, 8, 8, 8, 8), "e2", state)
		equal(t, "beside "+string(state), StandIns(p), map[string]bool{"e1": true, "e3": true})
		p.Pairs[3].Adopted = []wire.Adoption{{Edge: "e6", From: 0, To: 1}, {Edge: "e1", From: 1, To: 2}}
		equal(t, "with slots that were given away", StandIns(p), map[string]bool{"e1": true, "e3": true, "e6": true})
		p.Pairs[3].Adopted = nil
		p.Pairs[3].Boundary++ // e4's, and e5's
		equal(t, "beyond home", StandIns(p), map[string]bool{"e1": true, "e3": true, "e4": true})
		p.Pairs[3].Boundary -= 2
		equal(t, "on the other side", StandIns(p), map[string]bool{"e1": true, "e3": true, "e5": true})
		p.Pairs[3].Boundary++
		p.Pairs[1].Retiring = true
		equal(t, "in a pair that retires", StandIns(p), map[string]bool{"e1": true})
	}
	p := setState(ringOf(FailSafeAdmission, 8, 8, 8, 8), "e2", wire.EdgeDraining)
	p.Pairs[3].Boundary++
	if got := StandIns(p); got != nil {
		t.Errorf("a drain is no failure: %v", got)
	}
	alone := setState(ringOf(FailSafeAdmission, 8), "e1", wire.EdgeDown)
	if got := StandIns(alone); len(got) > 0 {
		t.Errorf("nobody is left, and %v", got)
	}
}

// TestWhoIsAboveItsCapacityIsTold: by how many, where there is no room anywhere.
func TestWhoIsAboveItsCapacityIsTold(t *testing.T) {
	p := setState(ringOf(PairAdmission, 8, 8), "e2", wire.EdgeDown)
	plan := Settle(p, []Load{fill(p, 1, 4, 4), fill(p, 2, 3, 3)}, AnchorCurrent)
	equal(t, "excess", plan.Excess, []EdgeExcess{{Edge: "e1", Over: 6}})
	if plan.Lost != 6 {
		t.Errorf("lost %d", plan.Lost)
	}
}

// TestWhoLeavesGetsSpillOverLast: sessions of a pair without members are given to an edge that
// stays, while one has room; who has some already keeps them, and hands them on when it leaves,
// while it is there to tell them.
func TestWhoLeavesGetsSpillOverLast(t *testing.T) {
	p := setState(ringOf(PairAdmission, 8, 8, 8, 8, 8, 8), "e1", wire.EdgeLeaving) // the first that would get them
	p = setState(setState(p, "e4", wire.EdgeDown), "e5", wire.EdgeDown)
	orphans := []Load{fill(p, 4, 3, 3)}
	p = Settle(p, orphans, AnchorCurrent).ApplyTo(p)
	equal(t, "given, with all others idle", p.Pairs[3].Adopted, []wire.Adoption{{Edge: "e2", From: 0, To: 8}})
	if again := Settle(p, orphans, AnchorCurrent); len(again.Adopted) > 0 || again.Moved > 0 {
		t.Errorf("%+v, and it was %+v", again, p.Pairs[3].Adopted)
	}
	p = setState(p, "e2", wire.EdgeLeaving)
	p = Settle(p, orphans, AnchorCurrent).ApplyTo(p)
	equal(t, "given, as the one that has them leaves", p.Pairs[3].Adopted, []wire.Adoption{{Edge: "e3", From: 0, To: 8}})
	q := ringOf(PairAdmission, 8, 8, 8)
	q = setState(setState(setState(q, "e1", wire.EdgeDown), "e2", wire.EdgeDown), "e3", wire.EdgeLeaving)
	if plan := Settle(q, []Load{fill(q, 1, 2, 2)}, AnchorCurrent); plan.Lost > 0 {
		t.Errorf("better one that leaves than nobody: %+v", plan)
	}
}

// TestWhoHasSpillOverKeepsIt: two edges have a part of a pair each, and both have room for
// the whole.
func TestWhoHasSpillOverKeepsIt(t *testing.T) {
	p := ringOf(PairAdmission, 8, 8, 8, 8, 8, 8)
	p = setState(setState(p, "e4", wire.EdgeDown), "e5", wire.EdgeDown)
	p.Pairs[3].Adopted = []wire.Adoption{{Edge: "e1", From: 0, To: 4}, {Edge: "e2", From: 4, To: 8}}
	if plan := Settle(p, []Load{fill(p, 4, 3, 3)}, AnchorCurrent); len(plan.Adopted) > 0 || plan.Moved > 0 {
		t.Errorf("%+v", plan)
	}
}
