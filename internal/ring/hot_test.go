package ring

import (
	"fmt"
	"slices"
	"testing"

	"tandem/internal/wire"
)

// TestAHotStreamIsSpreadEvenly: the viewers of one stream are within a tenth of even over
// the edges that store it. When its pairs have a share of what they can, others store it
// too, and get all who come until they have as many: nobody is moved. Also where edges
// are unequal, until one is at its limit, or a pair is.
func TestAHotStreamIsSpreadEvenly(t *testing.T) {
	for _, capacities := range [][]int{{100, 100, 100, 100}, {250, 250, 250, 250}, {100, 200, 300, 400}, {400, 150, 400, 150}, {300, 300, 300, 900}} {
		for _, viewers := range []int{20, 50, 100, 200, 500} {
			p := &wire.Placement{Admission: FailSafeAdmission}
			for i, c := range capacities {
				p.Edges = append(p.Edges, wire.Edge{Name: fmt.Sprintf("e%d", i+1), Capacity: c, State: wire.EdgeUp})
			}
			p = Form(p.Index())
			f := Figures{Rules: Rules{HotShare: DefaultHotShare}, Delivering: map[string]int{}, Sum: map[wire.PairID]int{}, Limits: LimitsOf(p)}
			var pairs []wire.PairID
			for n := range viewers {
				c := Choose(p, f, "/s/")
				if c.Edge == "" {
					t.Fatalf("%v: viewer %d is refused: %s", capacities, n+1, c.Reason)
				}
				if c.Place {
					pairs = append(pairs, c.Pair)
					p.Streams = onPairs(pairs...)
					p.Index()
				}
				f.Delivering[c.Edge]++
				f.Sum[c.Pair]++
				q, _ := p.Pair(c.Pair)
				if f.Delivering[c.Edge] == f.Limits[c.Edge] || f.full(p, q) {
					break // from here on it is not the choice that decides
				}
			}
			even(t, fmt.Sprintf("%v, %d viewers", capacities, viewers), p, &f, pairs)
		}
	}
}

// TestAHotStreamIsSpreadBesideADrain: over the three edges of four that get viewers, also
// where a pair of the drained one is the stream's already.
func TestAHotStreamIsSpreadBesideADrain(t *testing.T) {
	for _, pairs := range [][]wire.PairID{nil, {1, 2}} {
		p := setState(ringOf(FailSafeAdmission, 100, 100, 100, 100), "e3", wire.EdgeDraining)
		f := Figures{Rules: Rules{HotShare: DefaultHotShare}, Delivering: map[string]int{}, Sum: map[wire.PairID]int{}, Limits: LimitsOf(p)}
		viewers := 120
		if len(pairs) > 0 { // they were even over three
			f.Delivering["e1"], f.Delivering["e2"], f.Sum[1], f.Sum[2] = 20, 40, 30, 30
			viewers -= 60
		}
		p.Streams = onPairs(pairs...)
		p.Index()
		for range viewers {
			c := Choose(p, f, "/s/")
			if c.Place {
				if c.Pair == 2 {
					t.Errorf("on pairs %v: it gets pair 2, of which e3 is drained and e2 has it", pairs)
				}
				pairs = append(pairs, c.Pair)
				p.Streams = onPairs(pairs...)
				p.Index()
			}
			f.Delivering[c.Edge]++
			f.Sum[c.Pair]++
		}
		for _, edge := range []string{"e1", "e2", "e4"} {
			if n := f.Delivering[edge]; n < 36 || n > 44 {
				t.Errorf("on pairs %v: %v, even is 40", pairs, f.Delivering)
			}
		}
	}
}

// even looks at all edges that store the stream. Who has more has it since its pair came
// to its share, and was given nobody after that.
func even(t *testing.T, what string, p *wire.Placement, f *Figures, pairs []wire.PairID) {
	t.Helper()
	edges, all := p.EdgesOf(pairs), 0
	for _, n := range f.Delivering {
		all += n
	}
	even := float64(all) / float64(len(edges))
	for _, id := range pairs {
		q, _ := p.Pair(id)
		for _, edge := range []string{q.Low, q.High} {
			if n := float64(f.Delivering[edge]); n > 1.1*even+1 && f.share(p, q) > DefaultHotShare || n < 0.9*even-1 && len(edges) < len(p.Edges) {
				t.Errorf("%s on pairs %v: %s has %d, even is %.1f: %v", what, pairs, edge, f.Delivering[edge], even, f.Delivering)
			}
		}
	}
	if q := &p.Pairs[0]; f.share(p, q) > DefaultHotShare && len(edges) < len(p.Edges) {
		t.Errorf("%s: pair %d has %d of %d, and they stay on pairs %v", what, q.ID, f.Sum[q.ID], PairLimit(p, q), pairs)
	}
}

// TestAHotStreamIsEvenAgainWhenAsManyHaveCome: the viewers of one edge, or two, go all at once.
// Nobody is moved for that: whoever comes goes to those who have fewer, over all pairs of
// the stream, and when those who are missing have come it is within a tenth of even again.
func TestAHotStreamIsEvenAgainWhenAsManyHaveCome(t *testing.T) {
	type seat struct {
		edge string
		pair wire.PairID
	}
	for _, gone := range [][]string{{"e1"}, {"e3"}, {"e1", "e2"}, {"e2", "e4"}} {
		p := ringOf(FailSafeAdmission, 100, 100, 100, 100)
		f := Figures{Rules: Rules{HotShare: DefaultHotShare}, Delivering: map[string]int{}, Sum: map[wire.PairID]int{}, Limits: LimitsOf(p)}
		var pairs []wire.PairID
		seats := map[seat]int{}
		come := func(n int) {
			for range n {
				c := Choose(p, f, "/s/")
				if c.Place {
					pairs = append(pairs, c.Pair)
					p.Streams = onPairs(pairs...)
					p.Index()
				}
				f.Delivering[c.Edge]++
				f.Sum[c.Pair]++
				seats[seat{c.Edge, c.Pair}]++
			}
		}
		come(240)
		for at, n := range seats {
			if slices.Contains(gone, at.edge) {
				f.Delivering[at.edge] -= n
				f.Sum[at.pair] -= n
			}
		}
		missing := 0
		for _, e := range p.Edges {
			missing += 60 - f.Delivering[e.Name]
		}
		if missing < 50*len(gone) {
			t.Fatalf("%v: before they went %v", gone, f.Delivering)
		}
		come(missing)
		for _, e := range p.Edges {
			if n := f.Delivering[e.Name]; n < 54 || n > 66 {
				t.Errorf("without those of %v, and %d more: %v, even is 60", gone, missing, f.Delivering)
			}
		}
	}
}
