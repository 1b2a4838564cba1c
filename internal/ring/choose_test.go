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
	loads := Figures{Delivering: map[string]int{}, Sum: map[wire.PairID]int{}, Limits: map[string]int{}}
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

func TestClaim2LeastLoadedOfThoseThatStoreIt(t *testing.T) {
	p, loads := figure6(1600)
	loads.Least = true
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e3", Pair: 2}) // 510 against 1120
}

func TestClaim13NeitherTheStandInNorItsPairGetsANewStream(t *testing.T) {
	p, loads := figure6(1600)
	p = down(p, "e5")
	// e1 and e4 stand in for e5: pairs 3 (e3, e4), 4, 5 and 1 (e1, e2) are out
	want(t, Choose(p, loads, "/other/"), Choice{Edge: "e2", Pair: 2, Place: true})
	p = down(p, "e3")
	want(t, Choose(p, loads, "/other/"), Choice{Reason: wire.ReasonFailSafe})
	want(t, Choose(p, loads, "/s/"), Choice{Edge: "e2", Pair: 2}) // a stream that is there goes on
}

func down(p *wire.Placement, name string) *wire.Placement {
	next := Copy(p)
	for i := range next.Edges {
		if next.Edges[i].Name == name {
			next.Edges[i].State = wire.EdgeDown
		}
	}
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
