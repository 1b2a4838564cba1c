package ring

import (
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/wire"
)

func placedOn(stream string, pairs ...wire.PairID) wire.StreamPlace {
	return wire.StreamPlace{Stream: stream, Pairs: pairs}
}

// differences are what makes the placement of the test below another one.
var differences = map[string]func(p *wire.Placement){
	"next pair":   func(p *wire.Placement) { p.NextPair++ },
	"state":       func(p *wire.Placement) { p.Edges[0].State = wire.EdgeDraining },
	"capacity":    func(p *wire.Placement) { p.Edges[0].Capacity++ },
	"asks":        func(p *wire.Placement) { p.Edges[0].Asks = 9 },
	"incarnation": func(p *wire.Placement) { p.Edges[0].Incarnation++ },
	"since":       func(p *wire.Placement) { p.Edges[0].Since++ },
	"removing":    func(p *wire.Placement) { p.Edges[1].Removing = true },
	"behind whom": func(p *wire.Placement) { p.Edges[2].After = "a" },
	"order":       func(p *wire.Placement) { p.Edges[0], p.Edges[1] = p.Edges[1], p.Edges[0] },
	"one less":    func(p *wire.Placement) { p.Edges = p.Edges[:2] },
	"boundary":    func(p *wire.Placement) { p.Pairs[2].Boundary = 3 },
	"home":        func(p *wire.Placement) { p.Pairs[2].Home = 3 },
	"slots":       func(p *wire.Placement) { p.Pairs[2].Slots = 9 },
	"members":     func(p *wire.Placement) { p.Pairs[2].Low, p.Pairs[2].High = p.Pairs[2].High, p.Pairs[2].Low },
	"retiring":    func(p *wire.Placement) { p.Pairs[2].Retiring = true },
	"pair":        func(p *wire.Placement) { p.Pairs[2].ID = 9 },
	"given to":    func(p *wire.Placement) { p.Pairs[1].Adopted = nil },
	"given from":  func(p *wire.Placement) { p.Pairs[1].Adopted = []wire.Adoption{{Edge: "a", From: 0, To: 2}} },
	"given until": func(p *wire.Placement) { p.Pairs[1].Adopted = []wire.Adoption{{Edge: "a", From: 1, To: 3}} },
	"placed":      func(p *wire.Placement) { p.Streams = p.Streams.With(placedOn("/z/", 1)) },
	"unplaced":    func(p *wire.Placement) { p.Streams = p.Streams.Without("/x/") },
	"elsewhere":   func(p *wire.Placement) { p.Streams = p.Streams.With(placedOn("/x/", 3)) },
	"on one more": func(p *wire.Placement) { p.Streams = p.Streams.With(placedOn("/x/", 1, 3)) },
}

// A digest that follows changes is that of the whole, and whatever else decides who delivers
// what gives another one.
func TestADigestIsOfAllThatIsReckoned(t *testing.T) {
	base := func() *wire.Placement {
		return (&wire.Placement{
			Version: 7, NextPair: 4,
			Edges: []wire.Edge{{Name: "a", State: wire.EdgeUp, Capacity: 8}, {Name: "b", State: wire.EdgeDown, Capacity: 8}, {Name: "c", State: wire.EdgeUp, Capacity: 8}},
			Pairs: []wire.Pair{
				{ID: 1, Low: "a", High: "b", Slots: 8, Boundary: 8, Home: 4},
				{ID: 2, Low: "b", High: "c", Slots: 8, Home: 4, Adopted: []wire.Adoption{{Edge: "a", From: 1, To: 2}}},
				{ID: 3, Low: "c", High: "a", Slots: 8, Boundary: 4, Home: 4},
			},
			Streams: wire.StreamsOf(placedOn("/x/", 1), placedOn("/y/", 2)),
		}).Index()
	}
	one := new(Digester).Of(base())
	later := base()
	later.Version, later.Edges[0].HTTP = 9, "http://other"
	if got := new(Digester).Of(later); got != one {
		t.Errorf("another version is another digest: %s, %s", got, one)
	}
	for what, change := range differences {
		p := base()
		change(p)
		other := new(Digester).Of(p)
		if !Contradict(one, other) {
			t.Errorf("%s: the digest stays", what)
		}
		var following Digester
		following.Of(base())
		if got := following.Of(p); got != other {
			t.Errorf("%s: followed %s, whole %s", what, got, other)
		}
		if got := following.Of(base()); got != one {
			t.Errorf("%s: back %s, was %s", what, got, one)
		}
	}
	for _, b := range []string{"", one, "2-" + one[2:]} {
		if Contradict(one, b) {
			t.Errorf("%q contradicts %q", b, one)
		}
	}
}

// Streams come and go one by one, in any order.
func TestADigestFollowsStreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var following Digester
		p := (&wire.Placement{NextPair: 9}).Index()
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			name := rapid.SampledFrom([]string{"/a/", "/b/", "/c/", "/d/"}).Draw(t, "stream")
			next := *p
			if rapid.Bool().Draw(t, "goes") {
				next.Streams = p.Streams.Without(name)
			} else {
				next.Streams = p.Streams.With(wire.StreamPlace{Stream: name, Pairs: []wire.PairID{wire.PairID(rapid.IntRange(1, 3).Draw(t, "pair"))}})
			}
			p = &next
			if got, want := following.Of(p), new(Digester).Of(p); got != want {
				t.Fatalf("followed %s, whole %s", got, want)
			}
		}
	})
}
