package ring

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/wire"
)

// unsettled is a ring in any state that commands can bring it to: members of every
// state, two that join, a pair that retires, slots that are given away.
func unsettled(t *rapid.T) *wire.Placement {
	p, loads := drawn(t, 2, 7)
	if len(p.Edges) > 2 && rapid.Bool().Draw(t, "one has left") {
		p = Leave(p, rapid.SampledFrom(p.Edges).Draw(t, "leaves").Name)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "joining") {
		after := rapid.SampledFrom(p.Edges).Draw(t, "after").Name
		p.Edges = append(p.Edges, wire.Edge{Name: []string{"x", "y"}[i], Capacity: 5, State: wire.EdgeJoining, After: after})
	}
	states := []wire.EdgeState{wire.EdgeUp, wire.EdgeUp, wire.EdgeUp, wire.EdgeDown, wire.EdgeRecovering, wire.EdgeDraining, wire.EdgeLeaving}
	for i := range p.Edges {
		if e := &p.Edges[i]; e.State == wire.EdgeUp {
			e.State = rapid.SampledFrom(states).Draw(t, e.Name)
			e.Removing = rapid.Bool().Draw(t, "removing")
		}
	}
	p.Index()
	return Settle(p, loads, AnchorCurrent).ApplyTo(p)
}

// TestWatchersAreWhoDeliversAndWhoWill: whoever delivers a slot holds its table, and
// whoever delivers it after a member has gone or a new one has come in was being
// given it before.
func TestWatchersAreWhoDeliversAndWhoWill(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := unsettled(t)
		before := map[wire.PairID][]string{}
		for i := range p.Pairs {
			q := &p.Pairs[i]
			watch := Watchers(p, q)
			before[q.ID] = watch
			for _, part := range Parts(p, q) {
				if part.Owner != "" && !slices.Contains(watch, part.Owner) {
					t.Fatalf("pair %d: %s delivers slots and does not watch: %v", q.ID, part.Owner, watch)
				}
			}
			alive := 0
			for _, e := range p.Edges {
				if Delivers(e.State) {
					alive++
				}
			}
			if len(watch) == 1 && alive > 1 {
				t.Fatalf("pair %d is held by %v alone, and others are there", q.ID, watch)
			}
			for n, name := range watch {
				if state(p, name) == wire.EdgeDown || slices.Contains(watch[n+1:], name) {
					t.Fatalf("pair %d: %s is down or stands twice: %v", q.ID, name, watch)
				}
			}
		}
		for _, e := range p.Edges {
			next := p
			switch {
			case Goes(e) && len(Members(p)) > 1:
				next = Leave(p, e.Name)
			case e.State == wire.EdgeJoining:
				next = Join(p, e.Name, e.After)
			}
			for i := range next.Pairs {
				q := &next.Pairs[i]
				watch, old := before[q.ID]
				for _, member := range []string{q.Low, q.High} {
					if old && member != "" && state(next, member) != wire.EdgeDown && !slices.Contains(watch, member) {
						t.Fatalf("without or with %s (%s) pair %d is (%s, %s), %s was not told: %v", e.Name, e.State, q.ID, q.Low, q.High, member, watch)
					}
				}
			}
		}
	})
}

// TestWatchersHoldTheContent: but for those that were only given slots, or stand beside
// one who is alone, every watcher copies the pair's content, and nobody else does.
func TestWatchersHoldTheContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := unsettled(t)
		for _, e := range p.Edges {
			var copies []wire.PairID
			for _, c := range Copies(p, e.Name) {
				copies = append(copies, c.Pair)
			}
			for i := range p.Pairs {
				q := &p.Pairs[i]
				given := slices.ContainsFunc(q.Adopted, func(a wire.Adoption) bool { return a.Edge == e.Name })
				beside := len(inOrder(p, holders(p, q))) <= 1 && e.Name != q.Low && e.Name != q.High
				if e.State != wire.EdgeDown && !given && !beside && slices.Contains(copies, q.ID) != slices.Contains(Watchers(p, q), e.Name) {
					t.Fatalf("%s (%s) copies %v, pair %d is watched by %v", e.Name, e.State, copies, q.ID, Watchers(p, q))
				}
			}
		}
	})
}

// TestThreeAreToldATable: all that watch it, and so many more that three that stay have it,
// drained or not: two of them may die in one moment. Who is on the way beside them is told as well.
func TestThreeAreToldATable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := unsettled(t)
		stay := func(names []string) (n int) {
			for _, name := range names {
				if e, _ := p.Edge(name); stays(e) {
					n++
				}
			}
			return n
		}
		var all []string
		for _, e := range p.Edges {
			all = append(all, e.Name)
		}
		for i := range p.Pairs {
			q := &p.Pairs[i]
			watch, told := Watchers(p, q), Told(p, q)
			if len(told) < len(watch) || !slices.Equal(told[:len(watch)], watch) {
				t.Fatalf("pair %d: %v watch and %v are told", q.ID, watch, told)
			}
			if n := stay(told); n < min(3, stay(all)) || stay(told[len(watch):]) > 3 {
				t.Fatalf("pair %d: %v are told, %v watch: %d stay", q.ID, told, watch, n)
			}
			for n, name := range told {
				if state(p, name) == wire.EdgeDown || slices.Contains(told[n+1:], name) {
					t.Fatalf("pair %d: %s is down or stands twice: %v", q.ID, name, told)
				}
			}
		}
	})
	p := ringOf(FailSafeAdmission, 8, 8, 8, 8)
	var got [][]string
	for i := range p.Pairs {
		got = append(got, Told(p, &p.Pairs[i]))
	}
	equal(t, "all up", got, [][]string{{"e1", "e2", "e3"}, {"e2", "e3", "e4"}, {"e3", "e4", "e1"}, {"e1", "e4", "e2"}})
	p = ringOf(FailSafeAdmission, 8, 8, 8, 8, 8, 8)
	p.Edges = append(p.Edges, wire.Edge{Name: "x", Capacity: 8, State: wire.EdgeJoining, After: "e2"})
	equal(t, "e3 is drained", Told(setState(p, "e3", wire.EdgeDraining), &p.Pairs[0]), []string{"e1", "e2", "x", "e3"})
	equal(t, "e3 is back, and copies", Told(setState(p, "e3", wire.EdgeRecovering), &p.Pairs[0]), []string{"e1", "e2", "x", "e3", "e4"})
	equal(t, "e3 leaves", Told(setState(p, "e3", wire.EdgeLeaving), &p.Pairs[0]), []string{"e1", "e2", "x", "e3", "e4"})
}

// TestTwoDeathsTakeNoTableWithThem: of those that were told a table, one that lives is
// told it by every placement until both deaths are true, whomever its slots are given to:
// else it drops the table before it has told them.
func TestTwoDeathsTakeNoTableWithThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, loads := cramped(t)
		had := map[wire.PairID][]string{}
		for i := range p.Pairs {
			q := &p.Pairs[i]
			had[q.ID] = slices.DeleteFunc(Told(p, q), func(name string) bool { // others are being given it, or go
				return !Delivers(state(p, name)) && (!HasCopy(state(p, name)) || name != q.Low && name != q.High)
			})
		}
		keeps := maps.Clone(had)
		for range 2 {
			dead := rapid.SampledFrom(Members(p)).Draw(t, "dies").Name // who joins, and dies, is none of the ring's
			p, _ = Without(p, dead, loads, wire.EdgeDown)
			for i := range p.Pairs {
				q := &p.Pairs[i]
				told := Told(p, q)
				gone := func(name string) bool { return state(p, name) == wire.EdgeDown }
				keeps[q.ID] = slices.DeleteFunc(slices.Clone(keeps[q.ID]), func(name string) bool { return gone(name) || !slices.Contains(told, name) })
				had[q.ID] = slices.DeleteFunc(slices.Clone(had[q.ID]), gone)
				if len(had[q.ID]) > 0 && len(keeps[q.ID]) == 0 {
					t.Fatalf("pair %d (%s, %s): %v had its table, and of those that are told it, %v, nobody does", q.ID, q.Low, q.High, had[q.ID], told)
				}
			}
		}
	})
}

func TestWatchersOfARingThatChanges(t *testing.T) {
	p := ringOf(FailSafeAdmission, 8, 8, 8, 8)
	watch := func(what string, p *wire.Placement, want ...[]string) {
		t.Helper()
		var got [][]string
		for i := range p.Pairs {
			got = append(got, Watchers(p, &p.Pairs[i]))
		}
		equal(t, what, got, want)
	}
	watch("all up", p, []string{"e1", "e2"}, []string{"e2", "e3"}, []string{"e3", "e4"}, []string{"e1", "e4"})
	watch("e2 is down", setState(p, "e2", wire.EdgeDown), []string{"e1", "e3"}, []string{"e3", "e4"}, []string{"e3", "e4"}, []string{"e1", "e4"})
	watch("e2 leaves", setState(p, "e2", wire.EdgeLeaving), []string{"e1", "e2", "e3"}, []string{"e1", "e2", "e3"}, []string{"e3", "e4"}, []string{"e1", "e4"})
	dead := setState(p, "e2", wire.EdgeDown)
	dead.Edges[1].Removing = true
	watch("e2 is dead and taken out", dead, []string{"e1", "e3"}, []string{"e1", "e3"}, []string{"e3", "e4"}, []string{"e1", "e4"})
	joins := Copy(p)
	joins.Edges = append(joins.Edges, wire.Edge{Name: "x", Capacity: 8, State: wire.EdgeJoining, After: "e2"})
	watch("x joins behind e2", joins.Index(), []string{"e1", "e2"}, []string{"e2", "e3", "x"}, []string{"e3", "e4"}, []string{"e1", "e4"})
	given := setState(setState(p, "e1", wire.EdgeDown), "e2", wire.EdgeDown)
	given = Settle(given, []Load{fill(p, 1, 2, 1)}, AnchorCurrent).ApplyTo(given)
	watch("pair 1 is given away", given, []string{"e3", "e4"}, []string{"e3", "e4"}, []string{"e3", "e4"}, []string{"e3", "e4"})
	watch("one is left", setState(given, "e4", wire.EdgeDown), []string{"e3"}, []string{"e3"}, []string{"e3"}, nil)
}

func TestOverlayShowsTheDeadAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := unsettled(t)
		var dead []Life
		for i := range p.Edges {
			p.Edges[i].Incarnation = uint64(10 + i)
			if rapid.IntRange(0, 2).Draw(t, "dead") == 0 {
				dead = append(dead, Life{p.Edges[i].Name, uint64(10 + i + rapid.IntRange(0, 1).Draw(t, "another life"))})
			}
		}
		was := Copy(p)
		shown := Overlay(p, dead)
		equal(t, "the placement itself", p.Edges, was.Edges)
		equal(t, "pairs", shown.Pairs, p.Pairs)
		equal(t, "version", shown.Version, p.Version)
		for i, e := range p.Edges {
			want := e
			if slices.Contains(dead, Life{e.Name, e.Incarnation}) {
				want.State = wire.EdgeDown
			}
			got, ok := shown.Edge(e.Name)
			if !ok || got != want || shown.Edges[i] != want {
				t.Fatalf("%s: got %+v, want %+v", e.Name, got, want)
			}
		}
		for i := range shown.Pairs {
			q := &shown.Pairs[i]
			low, high := Delivers(state(shown, q.Low)), Delivers(state(shown, q.High))
			for slot := range q.Slots {
				owner, partner := Route(shown, q, slot)
				switch {
				case owner == "" && (low || high):
					t.Fatalf("pair %d slot %d has nobody", q.ID, slot)
				case owner != "" && !Delivers(state(shown, owner)), partner != "" && state(shown, partner) == wire.EdgeDown:
					t.Fatalf("pair %d slot %d goes to %s, then %s", q.ID, slot, owner, partner)
				case (low || high) && len(q.Adopted) == 0 && owner != q.Low && owner != q.High:
					t.Fatalf("pair %d slot %d goes to %s", q.ID, slot, owner)
				}
			}
		}
	})
	p := ringOf(FailSafeAdmission, 8, 8, 8)
	if Overlay(p, nil) != p || Overlay(p, []Life{{"e1", 7}}) != p {
		t.Error("without a death it is another placement")
	}
}

// TestARetiringPairKeepsTwoMembers: also when the one behind the leaver is the other
// member already.
func TestARetiringPairKeepsTwoMembers(t *testing.T) {
	p := Leave(ringOf(FailSafeAdmission, 8, 8, 8), "e2") // pair 2 retires at (e1, e3)
	p.Edges = append(p.Edges, wire.Edge{Name: "x", Capacity: 8, State: wire.EdgeUp, After: "e1"})
	p = Leave(Join(p.Index(), "x", "e1"), "e3")
	q, _ := p.Pair(2)
	equal(t, "members", []string{q.Low, q.High}, []string{"e1", "x"})
	equal(t, "checked", p.Check(), nil)
}
