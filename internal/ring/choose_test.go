package ring

import (
	"fmt"
	"testing"

	"tandem/internal/wire"
)

// figure6 is the document's table: five edges, of which 2 and 3 store the stream.
// Count 1 is what an edge delivers with its next, count 2 with its previous one.
func figure6(limit int) (*wire.Placement, Figures) {
	p := &wire.Placement{Admission: FailSafeAdmission}
	for i := range 5 {
		p.Edges = append(p.Edges, wire.Edge{Name: fmt.Sprintf("e%d", i+1), Capacity: 2000, State: wire.EdgeUp})
	}
	p = Form(p.Index())
	p.Streams = onPairs(2)
	p.Index()
	next := []int{100, 120, 10, 150, 200}
	previous := []int{500, 1000, 500, 200, 500}
	loads := Figures{Rules: Rules{Choose: ChooseFirst}, Delivering: map[string]int{}, Sum: map[wire.PairID]int{}, Limits: map[string]int{}}
	for i := range 5 {
		name := fmt.Sprintf("e%d", i+1)
		loads.Delivering[name] = next[i] + previous[i]
		loads.Sum[wire.PairID(i+1)] = next[i] + previous[(i+1)%5]
		loads.Limits[name] = limit
	}
	return p, loads
}

func onPairs(pairs ...wire.PairID) wire.Streams {
	return wire.StreamsOf(wire.StreamPlace{Stream: "/s/", Pairs: pairs})
}

func want(t *testing.T, got, wanted Choice) {
	t.Helper()
	if got != wanted {
		t.Errorf("got %+v, want %+v", got, wanted)
	}
}

func TestFigure6Table(t *testing.T) {
	p, loads := figure6(1600)
	if loads.Sum[2] != 620 || loads.Delivering["e2"] != 1120 {
		t.Fatalf("pair (2,3) has %d, edge 2 %d; the document says 620 and 1120", loads.Sum[2], loads.Delivering["e2"])
	}
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e2", Pair: 2})
}

func TestS106NobodyStoresItTheEdgeWithTheFewestSessions(t *testing.T) {
	p, loads := figure6(1600)
	want(t, Choose(p, loads, "/other/"), Choice{Edge: "e4", Pair: 4, Place: true}) // 350 of all
}

func TestS111RefusedWhenNobodyHasRoom(t *testing.T) {
	p, loads := figure6(300)
	want(t, Choose(p, loads, "/other/"), Choice{Reason: wire.ReasonCluster})
}

func TestS124LowDelivers(t *testing.T) {
	p, loads := figure6(1121)
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e2", Pair: 2})
}

func TestS130HighDeliversWhenLowIsAtItsLimit(t *testing.T) {
	p, loads := figure6(1120)
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e3", Pair: 2})
}

func TestS122PairSumAtMaxGoesToTheNextPair(t *testing.T) {
	p, loads := figure6(1600)
	p.Streams = onPairs(2, 3)
	loads.Sum[2] = 2000
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e3", Pair: 3})
}

func TestS127BothMembersAtTheirLimitThenNextPairThenPlaced(t *testing.T) {
	p, loads := figure6(505)
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e4", Pair: 4, Place: true})
	p.Streams = onPairs(2, 4)
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e4", Pair: 4})
}

// TestClaims2To4: of all that store the stream, over all its pairs, the least loaded.
func TestClaims2To4LeastLoadedOfAllThatStoreIt(t *testing.T) {
	p, loads := figure6(1600)
	loads.Choose = ChooseLeast
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e3", Pair: 2}) // 510 against 1120
	p.Streams = onPairs(2, 4)
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e4", Pair: 4}) // 350
	loads.Delivering["e4"], loads.Delivering["e5"] = 500, 500
	loads.Sum[4] = 2000 // pair 4 is full, so e4 and e5 can't be given more in it
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e3", Pair: 2})
	p.Streams = onPairs(2, 3)
	loads.Sum[2], loads.Sum[3] = 900, 400
	loads.Delivering["e4"] = 510
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e3", Pair: 3}) // in two of its pairs: in that with the smaller sum
}

// What is stored is what the stores say: after a purge nobody stores what the
// placement lists, and then the least loaded of all edges delivers.
func TestClaims2To4WhatIsStoredIsTheStoresWord(t *testing.T) {
	p, loads := figure6(1600)
	loads.Choose = ChooseLeast
	p.Streams = onPairs(1, 2)
	loads.Stores = map[string]bool{"e1": true, "e2": true}
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e1", Pair: 1}) // e3 has 510, but does not store it yet
	loads.Stores = map[string]bool{}
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e4", Pair: 4, Place: true}) // 350 of all
	loads.Delivering["e1"] = 349
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e1", Pair: 1}) // it is on its pair already
	loads.Choose = ChooseFirst
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e1", Pair: 1}) // nor does the chart take the placement's word
	loads.Stores["e3"] = true
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e2", Pair: 2}) // the chart looks at pairs: e3 stores, so the pair does
}

func TestAHotStreamGoesToOneMorePair(t *testing.T) {
	p, loads := figure6(2000)
	loads.Choose, loads.HotShare = ChooseLeast, 32
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e3", Pair: 2}) // 620 of 2000: 31 %
	loads.HotShare = 31
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e3", Pair: 3, Place: true}) // of the pairs with at most 24 %: it has 10
	loads.Sum[1], loads.Sum[3], loads.Sum[4], loads.Sum[5] = 600, 600, 600, 600
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e3", Pair: 2}) // all have about as much
	loads.Sum[1], loads.Sum[4] = 480, 0
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e4", Pair: 4, Place: true}) // the least loaded edge's
	want(t, Choose(down(p, "e5"), loads, "/s/"), Choice{Edge: "e3", Pair: 2})  // those that have less stand in
	loads.Choose = ChooseFirst
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e2", Pair: 2})
}

// TestTenViewersOfOneStream: on pairs with four edges they are spread as evenly as can
// be, and with spreading a stream that begins on one pair reaches the others.
func TestTenViewersOfOneStream(t *testing.T) {
	for _, c := range []struct {
		viewers, capacity, share int
		pairs                    []wire.PairID
	}{{10, 1000, DefaultHotShare, []wire.PairID{1, 3}}, {10, 8, DefaultHotShare, []wire.PairID{1}}, {1600, 1000, DefaultHotShare, []wire.PairID{2}}} {
		p := ringOf(FailSafeAdmission, c.capacity, c.capacity, c.capacity, c.capacity)
		p.Streams = onPairs(c.pairs...)
		f := Figures{Rules: Rules{HotShare: c.share}, Delivering: map[string]int{}, Sum: map[wire.PairID]int{}, Limits: LimitsOf(p)}
		for range c.viewers {
			choice := Choose(p, f, "/s/")
			if choice.Place {
				p.Streams = onPairs(append(p.Stream("/s/"), choice.Pair)...)
			}
			f.Delivering[choice.Edge]++
			f.Sum[choice.Pair]++
		}
		even := c.viewers / 4
		for _, e := range p.Edges {
			if n := f.Delivering[e.Name]; n < even-even/10 || n > even+even/10+1 {
				t.Errorf("%d viewers: %v", c.viewers, f.Delivering)
			}
		}
	}
}

func TestClaim13NeitherTheStandInNorItsPairGetsANewStream(t *testing.T) {
	p, loads := figure6(1600)
	loads.FailSafe = FailSafeStrict
	p = down(p, "e5")
	// e1 and e4 stand in for e5: pairs 3 (e3, e4), 4, 5 and 1 (e1, e2) are out
	want(t, Choose(p, loads, "/other/"), Choice{Edge: "e2", Pair: 2, Place: true})
	p = down(p, "e3")
	want(t, Choose(p, loads, "/other/"), Choice{Reason: wire.ReasonFailSafe})
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e2", Pair: 2}) // a stream that is there goes on
}

// With room, edges that stand in come after all others: where one more death would be
// survived, and else where nobody goes above capacity.
func TestFailSafeWithRoom(t *testing.T) {
	p, loads := figure6(1600)
	p = down(p, "e5")
	want(t, Choose(p, loads, "/other/"), Choice{Edge: "e2", Pair: 2, Place: true}) // with 1120 the fullest; the others stand in
	loads.Limits["e2"] = 1000
	want(t, Choose(p, loads, "/other/"), Choice{Edge: "e4", Pair: 4, Place: true}) // 350; 3280 on four of 2000
	p = down(p, "e3")
	loads.Sum[1] += 2000 // 5280 on three of 2000: another death would cost some
	want(t, Choose(p, loads, "/other/"), Choice{Edge: "e4", Pair: 4, Place: true, Above: true})
	for name := range loads.Delivering {
		loads.Delivering[name] = 2000
	}
	want(t, Choose(p, loads, "/other/"), Choice{Reason: wire.ReasonFailSafe})
	loads.Delivering["e4"] = 1999 // above its limit, below its capacity
	want(t, Choose(p, loads, "/other/"), Choice{Edge: "e4", Pair: 4, Place: true, Above: true})
	p, loads = figure6(1600)
	drained := setState(p, "e5", wire.EdgeDraining)
	want(t, Choose(Settle(drained, nil, AnchorCurrent).ApplyTo(drained), loads, "/other/"), Choice{Edge: "e4", Pair: 4, Place: true}) // a drain is no failure
}

// TestALibraryStaysOpen: a thousand titles that nobody has asked for yet, one viewer
// each, with one edge of four dead, three dead, one drained: nobody is refused whom the
// living have room for.
func TestALibraryStaysOpen(t *testing.T) {
	for _, c := range []struct {
		name    string
		state   wire.EdgeState
		missing []string
	}{{"one dead", wire.EdgeDown, []string{"e1"}}, {"three dead", wire.EdgeDown, []string{"e1", "e2", "e4"}}, {"one drained", wire.EdgeDraining, []string{"e3"}}} {
		p := ringOf(FailSafeAdmission, 1000, 1000, 1000, 1000)
		for _, name := range c.missing {
			p = setState(p, name, c.state)
		}
		p = Settle(p, nil, AnchorCurrent).ApplyTo(p)
		f := Figures{Rules: Rules{HotShare: DefaultHotShare}, Delivering: map[string]int{}, Sum: map[wire.PairID]int{}, Limits: LimitsOf(p)}
		for i := range 1000 {
			stream := fmt.Sprintf("/title-%d/", i)
			choice := Choose(p, f, stream)
			if choice.Edge == "" || !choice.Place {
				t.Fatalf("%s: title %d: %+v with %v", c.name, i, choice, f.Delivering)
			}
			p.Streams = p.Streams.With(wire.StreamPlace{Stream: stream, Pairs: []wire.PairID{choice.Pair}})
			f.Delivering[choice.Edge]++
			f.Sum[choice.Pair]++
			f.Stores = nil
			if second := Choose(p, f, stream); i < 700 && second.Place {
				t.Fatalf("%s: title %d is there and is placed again: %+v", c.name, i, second)
			}
		}
	}
}

func down(p *wire.Placement, name string) *wire.Placement {
	next := setState(p, name, wire.EdgeDown)
	return Settle(next, nil, AnchorCurrent).ApplyTo(next)
}

func TestNoEdgeAlive(t *testing.T) {
	p, loads := figure6(1600)
	for i := range 5 {
		p = down(p, fmt.Sprintf("e%d", i+1))
	}
	want(t, Choose(p, loads, "/s/"), Choice{Reason: wire.ReasonNoEdge})
}

func TestRetiringPairTakesNobody(t *testing.T) {
	p, loads := figure6(1600)
	p.Pairs[1].Retiring = true
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e4", Pair: 4, Place: true})
}
