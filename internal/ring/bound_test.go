package ring

import (
	"testing"

	"tandem/internal/wire"
)

// TestAnEdgeMayHaveAFewMoreThanIsKnown: not more than the next best one and what figures
// may lag, nor so many that the stream would have gone to one more pair.
func TestAnEdgeMayHaveAFewMoreThanIsKnown(t *testing.T) {
	p := &wire.Placement{Admission: FailSafeAdmission}
	for _, name := range []string{"e1", "e2", "e3", "e4"} {
		p.Edges = append(p.Edges, wire.Edge{Name: name, Capacity: 100, State: wire.EdgeUp})
	}
	p = Form(p.Index())
	for _, c := range []struct {
		what   string
		rules  Rules
		pairs  []wire.PairID
		e      [4]int
		sums   [4]int
		choice string
		most   int
	}{
		{"the next best has 20", Rules{}, []wire.PairID{1}, [4]int{16, 20}, [4]int{36}, "e1", 23},
		{"both have none", Rules{}, []wire.PairID{1}, [4]int{}, [4]int{}, "e1", 2},
		{"of all its pairs", Rules{}, []wire.PairID{1, 3}, [4]int{40, 41, 36, 38}, [4]int{81, 0, 74, 0}, "e3", 42},
		{"half of what is left to its share", Rules{HotShare: 50}, []wire.PairID{1}, [4]int{22, 24}, [4]int{46}, "e1", 24},
		{"no other pair has less", Rules{HotShare: 50}, []wire.PairID{1}, [4]int{22, 24}, [4]int{46, 60, 60, 60}, "e1", 27},
		{"the flow chart asks nobody", Rules{Choose: ChooseFirst}, []wire.PairID{1}, [4]int{16, 20}, [4]int{36}, "e1", 0},
		{"nobody stores it", Rules{}, nil, [4]int{16, 20, 30, 30}, [4]int{36}, "e1", 0},
	} {
		f := Figures{Rules: c.rules, Delivering: map[string]int{}, Sum: map[wire.PairID]int{}, Limits: LimitsOf(p)}
		for i, e := range p.Edges {
			f.Delivering[e.Name], f.Sum[p.Pairs[i].ID] = c.e[i], c.sums[i]
		}
		p.Streams = wire.Streams{}
		if c.pairs != nil {
			p.Streams = onPairs(c.pairs...)
		}
		p.Index()
		choice := Choose(p, f, "/s/")
		if most := Most(p, f, "/s/", choice); choice.Edge != c.choice || most != c.most {
			t.Errorf("%s: %s, %d; want %s, %d", c.what, choice.Edge, most, c.choice, c.most)
		}
	}
}
