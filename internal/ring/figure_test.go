package ring

import (
	"fmt"
	"reflect"
	"testing"

	"tandem/internal/wire"
)

// ringOf makes n edges e1..en of one capacity, all up.
func ringOf(admission string, capacities ...int) *wire.Placement {
	p := &wire.Placement{Admission: admission}
	for i, c := range capacities {
		p.Edges = append(p.Edges, wire.Edge{Name: fmt.Sprintf("e%d", i+1), Capacity: c, State: wire.EdgeUp})
	}
	return Form(p.Index())
}

// fill takes low slots from below and high slots from above, as the members allot.
func fill(p *wire.Placement, pair wire.PairID, low, high int) Load {
	q, _ := p.Pair(pair)
	return Load{Pair: pair, Taken: TableOf(q.Slots, []wire.Run{{From: 0, To: low}, {From: q.Slots - high, To: q.Slots}}).Runs()}
}

func setState(p *wire.Placement, name string, s wire.EdgeState) *wire.Placement {
	next := Copy(p)
	for i := range next.Edges {
		if next.Edges[i].Name == name {
			next.Edges[i].State = s
		}
	}
	return next
}

func boundaries(p *wire.Placement) []int {
	var all []int
	for _, q := range p.Pairs {
		all = append(all, q.Boundary)
	}
	return all
}

// tester is *testing.T or rapid's.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
}

func equal[T any](t tester, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestFigure10Mirror: low's boundary 3 is high's 5; low's slots 0 and 1 are high's 7
// and 6, and what each allots first is the lowest free slot of its own view.
func TestFigure10Mirror(t *testing.T) {
	q := &wire.Pair{Low: "low", High: "high", Slots: 8, Boundary: 3}
	low, high := ViewOf(q, "low"), ViewOf(q, "high")
	equal(t, "low's boundary", low.Boundary(q.Boundary), 3)
	equal(t, "high's boundary", high.Boundary(q.Boundary), 5)
	equal(t, "slot 0", high.Slot(low.Slot(0)), 7)
	equal(t, "slot 1", high.Slot(low.Slot(1)), 6)
	equal(t, "low's slots in high's view", high.Run(wire.Run{From: 0, To: 3}), wire.Run{From: 5, To: 8})
	for slot := range 8 {
		equal(t, "twice mirrored", high.Slot(high.Slot(slot)), slot)
		equal(t, "twice mirrored", high.Boundary(high.Boundary(slot)), slot)
	}
	table := NewTable(8)
	for _, want := range []int{0, 1} {
		slot, _ := table.Allot([]wire.Run{{From: 0, To: 3}}, low, 8)
		equal(t, "low allots", slot, want)
		slot, _ = table.Allot([]wire.Run{{From: 3, To: 8}}, high, 8)
		equal(t, "high allots, in its own view", high.Slot(slot), want)
	}
}

// TestFigure12NoticeChangesOnlyItsOwnSide: low's slots 0 and 2 are high's 7 and 5,
// high's slot 4 is low's 3; each is delivered by whom the boundary gives it to in
// either view.
func TestFigure12NoticeChangesOnlyItsOwnSide(t *testing.T) {
	p := ringOf(PairAdmission, 8, 8)
	p.Pairs[0].Boundary = 3
	q := &p.Pairs[0]
	high := ViewOf(q, q.High)
	equal(t, "0", high.Slot(0), 7)
	equal(t, "2", high.Slot(2), 5)
	equal(t, "4", high.Slot(4), 3)
	for slot := range 8 {
		equal(t, "delivered by high", Owner(p, q, slot) == q.High, high.Slot(slot) < high.Boundary(q.Boundary))
		equal(t, "delivered by low", Owner(p, q, slot) == q.Low, ViewOf(q, q.Low).Slot(slot) < q.Boundary)
	}
}

func TestFigure13SilentLowGivesHighEverything(t *testing.T) {
	p := ringOf(PairAdmission, 8, 8, 8)
	p.Pairs[0].Boundary, p.Pairs[0].Home = 3, 3
	dead := setState(p, "e1", wire.EdgeDown)
	after := Settle(dead, []Load{fill(p, 1, 3, 2)}, AnchorCurrent).ApplyTo(dead)
	q, _ := after.Pair(1)
	equal(t, "high's boundary", MirrorBoundary(q.Boundary, 8), 8)
	for slot := range 3 {
		equal(t, "owner", Owner(after, q, slot), "e2")
	}
	equal(t, "fail-safe", FailSafe(after, "e2"), true)
}

func TestFigure14OverflowHandsTwoSlotsOn(t *testing.T) {
	// an edge with boundary 3 in its other table and two too many goes to 1
	p := ringOf(PairAdmission, 8, 8, 8)
	p.Pairs[1].Boundary, p.Pairs[1].Home = 3, 3
	dead := setState(p, "e1", wire.EdgeDown)
	loads := []Load{fill(p, 1, 4, 3), fill(p, 2, 3, 0)}
	after := Settle(dead, loads, AnchorCurrent).ApplyTo(dead)
	q, _ := after.Pair(2)
	equal(t, "e2's boundary", q.Boundary, 1)
	equal(t, "e3's boundary", MirrorBoundary(q.Boundary, 8), 7)
	equal(t, "e2 delivers", Delivering(after, loads)["e2"], 8)
}

// figure16 is n = 4, MAX = 8: every boundary 4, every edge delivers 6.
func figure16() (*wire.Placement, []Load) {
	p := ringOf(FailSafeAdmission, 8, 8, 8, 8)
	var loads []Load
	for _, q := range p.Pairs {
		loads = append(loads, fill(p, q.ID, 4, 2))
	}
	return p, loads
}

func TestFigures16And17AndBack(t *testing.T) {
	p, loads := figure16()
	equal(t, "limits", LimitsOf(p), map[string]int{"e1": 6, "e2": 6, "e3": 6, "e4": 6})
	equal(t, "figure 16", Delivering(p, loads), map[string]int{"e1": 6, "e2": 6, "e3": 6, "e4": 6})
	equal(t, "margins", Margins(p, loads), map[string]int{"e1": 0, "e2": 0, "e3": 0, "e4": 0})

	dead := setState(p, "e1", wire.EdgeDown)
	plan := Settle(dead, loads, AnchorCurrent)
	after := plan.ApplyTo(dead)
	equal(t, "boundaries", boundaries(after), []int{0, 2, 4, 8})
	equal(t, "figure 17", Delivering(after, loads), map[string]int{"e2": 8, "e3": 8, "e4": 8})
	equal(t, "lost", plan.Lost, 0)
	equal(t, "moved", plan.Moved, 8) // six of edge 1's, and two from edge 2 to edge 3
	for _, e := range []string{"e2", "e3", "e4"} {
		equal(t, "fail-safe "+e, FailSafe(after, e), true)
	}

	back := setState(after, "e1", wire.EdgeUp)
	home := Settle(back, loads, AnchorHome)
	equal(t, "home", boundaries(home.ApplyTo(back)), []int{4, 4, 4, 4})
	equal(t, "back", Delivering(home.ApplyTo(back), loads), map[string]int{"e1": 6, "e2": 6, "e3": 6, "e4": 6})
	equal(t, "fail-safe", FailSafe(home.ApplyTo(back), "e2"), false)
}

// TestFigure15RecoveryStepsInOrder: the returned edge's two boundaries first,
// then the one that its neighbour had moved further on.
func TestFigure15RecoveryStepsInOrder(t *testing.T) {
	p, loads := figure16()
	dead := setState(p, "e1", wire.EdgeDown)
	after := Settle(dead, loads, AnchorCurrent).ApplyTo(dead)
	recovering := setState(after, "e1", wire.EdgeRecovering)
	// step 1 and 2: while it is being filled it delivers nothing
	equal(t, "recovering", Delivering(Settle(recovering, loads, AnchorHome).ApplyTo(recovering), loads)["e1"], 0)
	equal(t, "copies", Copies(recovering, "e1"), []CopyOf{{Pair: 1, From: []string{"e2"}}, {Pair: 4, From: []string{"e4"}}})
	back := setState(recovering, "e1", wire.EdgeUp)
	moves := Chain(back, "e1", Settle(back, loads, AnchorHome).Boundaries)
	equal(t, "steps", moves, []wire.BoundaryMove{{Pair: 1, Before: 0, After: 4}, {Pair: 4, Before: 8, After: 4}, {Pair: 2, Before: 2, After: 4}})
}

func TestLimitsOfUnequalEdges(t *testing.T) {
	equal(t, "equal", Limits([]int{8, 8, 8, 8}, FailSafeAdmission), []int{6, 6, 6, 6})
	equal(t, "unequal", Limits([]int{10, 20, 30}, FailSafeAdmission), []int{5, 10, 15})
	equal(t, "pair", Limits([]int{8, 8}, PairAdmission), []int{8, 8})
	equal(t, "alone", Limits([]int{8}, FailSafeAdmission), []int{8})
}

func TestRoomGoesToTheSideThatNeedsIt(t *testing.T) {
	p := ringOf(PairAdmission, 8, 8)
	q, _ := p.Pair(1)
	full := TableOf(8, []wire.Run{{From: 0, To: 4}})
	b, ok := Room(p, q, full, "e1", 8)
	equal(t, "low", fmt.Sprint(b, ok), "6 true")
	b, ok = Room(p, q, TableOf(8, []wire.Run{{From: 4, To: 8}}), "e2", 8)
	equal(t, "high", fmt.Sprint(b, ok), "2 true")
	b, ok = Room(p, q, TableOf(8, []wire.Run{{From: 0, To: 6}, {From: 7, To: 8}}), "e1", 8)
	equal(t, "past taken slots", fmt.Sprint(b, ok), "7 true")
	_, ok = Room(p, q, TableOf(8, []wire.Run{{From: 0, To: 8}}), "e1", 8)
	equal(t, "full", ok, false)
}

func TestTwoDeadNeighboursAreAdopted(t *testing.T) {
	p, _ := figure16()
	loads := []Load{fill(p, 1, 2, 2), fill(p, 2, 1, 1), fill(p, 3, 1, 1), fill(p, 4, 1, 1)}
	dead := setState(setState(p, "e1", wire.EdgeDown), "e2", wire.EdgeDown)
	plan := Settle(dead, loads, AnchorCurrent)
	after := plan.ApplyTo(dead)
	equal(t, "lost", plan.Lost, 0)
	count := Delivering(after, loads)
	equal(t, "all delivered", count["e3"]+count["e4"], 10)
	q, _ := after.Pair(1)
	for _, slot := range []int{0, 1, 6, 7} {
		if Owner(after, q, slot) == "" {
			t.Errorf("slot %d has nobody", slot)
		}
	}
	again := Settle(after, loads, AnchorCurrent)
	equal(t, "settled twice", again.Moved, 0)
	back := setState(after, "e2", wire.EdgeUp)
	home := Settle(back, loads, AnchorHome).ApplyTo(back)
	q, _ = home.Pair(1)
	equal(t, "adoption ends", len(q.Adopted), 0)
	equal(t, "e2 has them", Owner(home, q, 0), "e2")
}

func TestJoinAndLeaveRePair(t *testing.T) {
	p := ringOf(FailSafeAdmission, 8, 8, 8)
	p.Streams = wire.StreamsOf(wire.StreamPlace{Stream: "/a/", Pairs: []wire.PairID{1}}, wire.StreamPlace{Stream: "/b/", Pairs: []wire.PairID{2, 3}})
	p.Edges = append(p.Edges, wire.Edge{Name: "x", Capacity: 8, State: wire.EdgeJoining, After: "e1"})
	p.Index()
	equal(t, "copies", Copies(p, "x"), []CopyOf{{Pair: 1, From: []string{"e1", "e2"}}})
	in := Join(p, "x", "e1")
	var shape []string
	for _, q := range in.Pairs {
		shape = append(shape, fmt.Sprint(q.ID, q.Low, q.High))
	}
	equal(t, "joined", shape, []string{"1e1x", "2e2e3", "3e3e1", "4xe2"})
	equal(t, "order", []string{in.Edges[0].Name, in.Edges[1].Name, in.Edges[2].Name}, []string{"e1", "x", "e2"})
	leaving := setState(in, "e2", wire.EdgeLeaving)
	equal(t, "successors", Successors(leaving, "e2"), []string{"x", "e3"})
	equal(t, "successor's copies", Copies(leaving, "e3"), []CopyOf{{Pair: 2, From: []string{"e2"}}, {Pair: 3, From: []string{"e1"}}, {Pair: 4, From: []string{"x", "e2"}}})
	out := Leave(leaving, "e2")
	shape = nil
	for _, q := range out.Pairs {
		shape = append(shape, fmt.Sprint(q.ID, q.Low, q.High, q.Retiring))
	}
	equal(t, "left", shape, []string{"1e1xfalse", "2xe3true", "3e3e1false", "4xe3false"})
	equal(t, "streams", out.Stream("/b/"), []wire.PairID{4, 3})
	equal(t, "checked", out.Check(), nil)
	equal(t, "pruned", len(Prune(out, []Load{{Pair: 2}}).Pairs), 3)
	two := Leave(setState(Leave(Prune(out, []Load{{Pair: 2}}), "x"), "e3", wire.EdgeDown), "e3")
	equal(t, "alone", two.Check(), nil)
	equal(t, "alone", two.Pairs[0].High, "")
}

func TestFormInNaturalOrder(t *testing.T) {
	p := &wire.Placement{}
	for _, name := range []string{"edge-10", "edge-2", "edge-1"} {
		p.Edges = append(p.Edges, wire.Edge{Name: name, Capacity: 4, State: wire.EdgeUp})
		p = Form(p.Index())
	}
	equal(t, "order", []string{p.Edges[0].Name, p.Edges[1].Name, p.Edges[2].Name}, []string{"edge-1", "edge-2", "edge-10"})
	for i, pair := range [][2]string{{"edge-1", "edge-2"}, {"edge-2", "edge-10"}, {"edge-10", "edge-1"}} { // claim 5: i and i+1, round the ring
		equal(t, "pair", [2]string{p.Pairs[i].Low, p.Pairs[i].High}, pair)
	}
	equal(t, "ids", []wire.PairID{p.Pairs[0].ID, p.Pairs[1].ID, p.Pairs[2].ID}, []wire.PairID{1, 2, 3})
}

// TestTwoOthersDead: when no neighbour of a full edge lives, what it can't
// deliver goes to an edge that holds no copy, and comes back by a return.
func TestTwoOthersDeadLeaveNobodyOutWhileThereIsRoom(t *testing.T) {
	p, _ := figure16()
	loads := []Load{fill(p, 1, 4, 2), fill(p, 2, 4, 2), fill(p, 3, 1, 1), fill(p, 4, 1, 0)}
	dead := setState(setState(p, "e1", wire.EdgeDown), "e3", wire.EdgeDown)
	plan := Settle(dead, loads, AnchorCurrent)
	after := plan.ApplyTo(dead)
	equal(t, "lost", plan.Lost, 0)
	equal(t, "delivering", Delivering(after, loads), map[string]int{"e2": 8, "e4": 7})
	equal(t, "settled again", Settle(after, loads, AnchorCurrent).Moved, 0)
	back := setState(after, "e1", wire.EdgeUp)
	home := Settle(back, loads, AnchorHome).ApplyTo(back)
	for _, q := range home.Pairs {
		equal(t, "adopted", len(q.Adopted), 0)
	}
	equal(t, "checked", home.Check(), nil)
}

// TestADeadMembersCapacityBindsNobody: an edge of 1000 that joined four of 100 lowers
// their limits while it delivers, and no longer when it is dead; the loss of one of
// equals leaves the limits as they were. One that leaves counts no more.
func TestADeadMembersCapacityBindsNobody(t *testing.T) {
	p := ringOf(FailSafeAdmission, 100, 100, 100, 100, 1000)
	equal(t, "alive", LimitsOf(p), map[string]int{"e1": 28, "e2": 28, "e3": 28, "e4": 28, "e5": 285})
	for _, state := range []wire.EdgeState{wire.EdgeDown, wire.EdgeRecovering, wire.EdgeDraining} {
		equal(t, string(state), LimitsOf(setState(p, "e5", state))["e1"], 75)
	}
	p = ringOf(FailSafeAdmission, 8, 8, 8, 8)
	equal(t, "equals", LimitsOf(setState(p, "e1", wire.EdgeDown))["e2"], 6)
	equal(t, "the last one", LimitsOf(setState(setState(setState(p, "e1", wire.EdgeDown), "e2", wire.EdgeDown), "e3", wire.EdgeDown))["e4"], 8)
	p = ringOf(FailSafeAdmission, 8, 8, 8)
	equal(t, "one leaves", LimitsOf(setState(p, "e1", wire.EdgeLeaving)), map[string]int{"e2": 4, "e3": 4})
}
