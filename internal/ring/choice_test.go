package ring

import (
	"testing"

	"tandem/internal/wire"
)

// idle is a ring in which nobody watches, and what a balancer knows of it.
func idle(admission string, capacities ...int) (*wire.Placement, Figures) {
	p := ringOf(admission, capacities...)
	return p, Figures{Delivering: map[string]int{}, Sum: map[wire.PairID]int{}, Limits: LimitsOf(p)}
}

// TestPairsAreLookedAtFromTheSmallestNumber (S121): whatever order they were placed in;
// one that is gone or retires is none.
func TestPairsAreLookedAtFromTheSmallestNumber(t *testing.T) {
	for _, choose := range []string{ChooseFirst, ChooseLeast} {
		p, f := idle(FailSafeAdmission, 8, 8, 8, 8)
		f.Choose = choose
		p.Streams = onPairs(9, 3, 1)
		want(t, Choose(p, f, "/s/"), Choice{Edge: "e1", Pair: 1})
		p.Pairs[0].Retiring = true
		want(t, Choose(p, f, "/s/"), Choice{Edge: "e3", Pair: 3})
	}
	p, f := idle(FailSafeAdmission, 8, 8, 8, 8)
	f.HotShare, f.Sum[1] = 50, 4
	p.Streams = onPairs(1, 3)
	p.Pairs[2].Retiring = true // its share is nobody's
	want(t, Choose(p, f, "/s/"), Choice{Edge: "e2", Pair: 2, Place: true})
}

// TestAPairStoresWhatOneOfItsMembersStores: by the chart (S121).
func TestAPairStoresWhatOneOfItsMembersStores(t *testing.T) {
	for _, edge := range []string{"e2", "e3"} {
		p, f := idle(FailSafeAdmission, 8, 8, 8, 8)
		f.Choose, f.Stores = ChooseFirst, map[string]bool{edge: true}
		p.Streams = onPairs(2)
		want(t, Choose(p, f, "/s/"), Choice{Edge: "e2", Pair: 2})
	}
}

// TestWhenAStreamIsHot: when all its pairs have the share, none before; without a share
// never. It goes where there is clearly less to do, to the two that have least together, of
// equals to the first, and to none whose low member is at its limit.
func TestWhenAStreamIsHot(t *testing.T) {
	for _, c := range []struct {
		name  string
		share int
		pairs []wire.PairID
		f     func(p *wire.Placement, f *Figures)
		want  Choice
	}{
		{"never", 0, []wire.PairID{1}, func(_ *wire.Placement, f *Figures) { f.Sum[1] = 7 }, Choice{Edge: "e1", Pair: 1}},
		{"just not", 50, []wire.PairID{1}, func(_ *wire.Placement, f *Figures) { f.Sum[1] = 49 }, Choice{Edge: "e1", Pair: 1}},
		{"just", 50, []wire.PairID{1}, func(_ *wire.Placement, f *Figures) { f.Sum[1] = 50 }, Choice{Edge: "e2", Pair: 2, Place: true}},
		{"the first of its pairs is not", 50, []wire.PairID{1, 3}, func(_ *wire.Placement, f *Figures) { f.Sum[3] = 60 }, Choice{Edge: "e1", Pair: 1}},
		{"the last of its pairs is not", 50, []wire.PairID{1, 3}, func(_ *wire.Placement, f *Figures) { f.Sum[1] = 60 }, Choice{Edge: "e3", Pair: 3}},
		{"others have just four fifths of it", 50, []wire.PairID{1}, func(_ *wire.Placement, f *Figures) {
			f.Sum[1], f.Sum[2], f.Sum[3], f.Sum[4] = 50, 41, 40, 41
		}, Choice{Edge: "e3", Pair: 3, Place: true}},
		{"others have about as much", 50, []wire.PairID{1}, func(_ *wire.Placement, f *Figures) {
			f.Sum[1], f.Sum[2], f.Sum[3], f.Sum[4] = 50, 41, 41, 41
		}, Choice{Edge: "e1", Pair: 1}},
		{"those who have least together", 50, []wire.PairID{1}, func(_ *wire.Placement, f *Figures) {
			f.Sum[1] = 50
			f.Delivering["e1"], f.Delivering["e2"], f.Delivering["e3"], f.Delivering["e4"] = 30, 20, 21, 10
		}, Choice{Edge: "e3", Pair: 3, Place: true}},
		{"the low one is at its limit", 50, []wire.PairID{1}, func(_ *wire.Placement, f *Figures) {
			f.Sum[1] = 50
			f.Limits["e2"], f.Delivering["e2"] = 10, 10
			f.Delivering["e1"], f.Delivering["e3"], f.Delivering["e4"] = 40, 10, 40
		}, Choice{Edge: "e3", Pair: 3, Place: true}},
		{"one of the pair is drained, and the other has it already", 50, []wire.PairID{1}, func(p *wire.Placement, f *Figures) {
			f.Sum[1] = 50
			*p = *setState(p, "e4", wire.EdgeDraining) // pair 4 is e4's and e1's
			p.Pairs[1].Retiring = true                 // and pair 2 nobody's
		}, Choice{Edge: "e3", Pair: 3, Place: true}},
		{"both of a further pair have it in others", 50, []wire.PairID{1, 3}, func(_ *wire.Placement, f *Figures) { f.Sum[1], f.Sum[3] = 50, 50 }, Choice{Edge: "e2", Pair: 2, Place: true}},
		{"those that have less stand in", 50, []wire.PairID{1}, func(p *wire.Placement, f *Figures) {
			f.Sum[1] = 50
			*p = *down(p, "e4")
		}, Choice{Edge: "e1", Pair: 1}},
		{"a pair that adds nothing is as busy as the others", 50, []wire.PairID{1, 4}, func(p *wire.Placement, f *Figures) {
			f.Sum[1] = 50
			*p = *setState(p, "e4", wire.EdgeDraining) // its pair 4 is e1's, that has pair 1 as well
		}, Choice{Edge: "e2", Pair: 2, Place: true}},
	} {
		p, f := idle(FailSafeAdmission, 100, 100, 100, 100)
		p.Streams = onPairs(c.pairs...)
		f.HotShare = c.share
		c.f(p, &f)
		if got := Choose(p, f, "/s/"); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestWhoeverHasRoomInEitherPairGetsANewStream: where no edge has room with its next one,
// the one that has it with its previous one does.
func TestWhoeverHasRoomInEitherPairGetsANewStream(t *testing.T) {
	p, f := idle(PairAdmission, 8, 8, 8)
	f.Delivering["e1"], f.Delivering["e2"], f.Delivering["e3"] = 1, 8, 8 // e2 and e3 can deliver no more
	f.Sum[1], f.Sum[2], f.Sum[3] = 8, 7, 2                               // e1 shares pair 1 with its next, and that is full
	want(t, Choose(p, f, "/s/"), Choice{Edge: "e1", Pair: 3, Place: true})
	p.Pairs[2].Retiring = true
	want(t, Choose(p, f, "/s/"), Choice{Reason: wire.ReasonCluster})
}

// TestWhoStoresAStreamAndHasNoRoomIsPassedBy: it is no new stream's edge, not even while
// edges that stand in go up to their capacity for those.
func TestWhoStoresAStreamAndHasNoRoomIsPassedBy(t *testing.T) {
	for _, c := range []struct {
		choose string
		stores map[string]bool
	}{{ChooseLeast, map[string]bool{"e1": true, "e2": true}}, {ChooseFirst, map[string]bool{"e1": true}}, {ChooseFirst, map[string]bool{"e2": true}}, {ChooseFirst, nil}} {
		p, f := idle(FailSafeAdmission, 10, 10, 10, 10)
		p = down(p, "e4") // e1 and e3 stand in
		p.Streams = onPairs(1)
		f.Choose, f.Stores = c.choose, c.stores
		for i, n := range []int{8, 9, 9} {
			f.Delivering[p.Edges[i].Name] = n
		}
		f.Sum[1], f.Sum[2] = 9, 9
		want(t, Choose(p, f, "/other/"), Choice{Edge: "e1", Pair: 1, Place: true, Above: true})
		want(t, Choose(p, f, "/s/"), Choice{Edge: "e2", Pair: 2, Place: true, Above: true})
		if c.stores["e2"] || c.stores == nil {
			continue
		}
		f.Delivering["e3"], f.Sum[2], f.Sum[4] = 10, 10, 10 // e2 has room in no other pair
		want(t, Choose(p, f, "/s/"), Choice{Reason: wire.ReasonFailSafe})
	}
}

// TestWhoStoresNothingOfAPairGetsWhatTheOtherHasNoRoomFor: by the claims it is as good as any.
func TestWhoStoresNothingOfAPairGetsWhatTheOtherHasNoRoomFor(t *testing.T) {
	p, f := idle(FailSafeAdmission, 8, 8, 8, 8)
	p.Streams = onPairs(1)
	f.Stores = map[string]bool{"e2": true}
	f.Delivering["e2"], f.Delivering["e3"], f.Delivering["e4"] = f.Limits["e2"], 1, 1
	want(t, Choose(p, f, "/s/"), Choice{Edge: "e1", Pair: 1})
}

// TestWhyNobodyGetsANewStream: that somebody stands in is the reason, whoever else is full.
func TestWhyNobodyGetsANewStream(t *testing.T) {
	for dead, full := range map[string]wire.PairID{"e1": 3, "e3": 5} {
		p, f := idle(FailSafeAdmission, 10, 10, 10, 10, 10)
		p = down(p, dead) // its neighbours stand in: their pairs are out, and the fifth is full
		f.FailSafe, f.Sum[full] = FailSafeStrict, 10
		want(t, Choose(p, f, "/s/"), Choice{Reason: wire.ReasonFailSafe})
		f.FailSafe = FailSafeRoom
		for _, e := range p.Edges {
			f.Delivering[e.Name] = 10
		}
		want(t, Choose(p, f, "/s/"), Choice{Reason: wire.ReasonFailSafe})
	}
}

// TestHowFarAStandInGoes: to its limit while one more death would be survived with the
// viewer, then to its capacity, which is to be said to it; and never into a pair that is full.
func TestHowFarAStandInGoes(t *testing.T) {
	p, f := idle(FailSafeAdmission, 10, 10, 20)
	p = down(p, "e1") // 10 and 20 live: 10 sessions survive the death of the larger one
	f.Sum[2] = 9
	want(t, Choose(p, f, "/s/"), Choice{Edge: "e2", Pair: 2, Place: true})
	f.Sum[3] = 1
	want(t, Choose(p, f, "/s/"), Choice{Edge: "e2", Pair: 2, Place: true, Above: true})
	f.Sum[2], f.Sum[3] = 0, 1
	f.Delivering["e2"], f.Delivering["e3"] = f.Limits["e2"], 19
	want(t, Choose(p, f, "/s/"), Choice{Edge: "e2", Pair: 2, Place: true, Above: true}) // at its limit, whatever would be survived
	f.Sum[2], f.Sum[3], f.Sum[1] = 10, 10, 10
	want(t, Choose(p, f, "/s/"), Choice{Reason: wire.ReasonFailSafe})
	f.Sum[2], f.Sum[1], f.Sum[3] = 0, 100, 100
	p.Pairs[1].Retiring = true // nor into one that retires
	want(t, Choose(p, f, "/s/"), Choice{Reason: wire.ReasonFailSafe})
}

// TestOnlyWhatTheSameTwoShareCountsInTheirPair: of pairs that retire.
func TestOnlyWhatTheSameTwoShareCountsInTheirPair(t *testing.T) {
	for _, c := range []struct {
		low, high string
		full      bool
	}{{"e1", "e2", true}, {"e2", "e1", true}, {"e1", "e3", false}, {"e3", "e1", false}, {"e3", "e2", false}, {"e2", "e3", false}} {
		p, f := idle(PairAdmission, 8, 8, 8, 8)
		p.Pairs = append(p.Pairs, wire.Pair{ID: 9, Low: c.low, High: c.high, Slots: 8, Boundary: 4, Home: 4, Retiring: true})
		p.Streams = onPairs(1)
		f.Sum[1], f.Sum[9] = 5, 3
		if got := Choose(p.Index(), f, "/s/"); (got.Pair != 1) != c.full {
			t.Errorf("with a pair of %s and %s: %+v", c.low, c.high, got)
		}
	}
}

// TestAnEdgeThatIsAlone has its whole capacity, in one pair, and stands in for nobody.
func TestAnEdgeThatIsAlone(t *testing.T) {
	p, f := idle(FailSafeAdmission, 8)
	equal(t, "its pair", p.Pairs, []wire.Pair{{ID: 1, Low: "e1", Slots: 8, Boundary: 8, Home: 8}})
	f.Delivering["e1"], f.Sum[1] = 7, 7
	want(t, Choose(p, f, "/s/"), Choice{Edge: "e1", Pair: 1, Place: true})
	f.Delivering["e1"], f.Sum[1] = 8, 8
	want(t, Choose(p, f, "/s/"), Choice{Reason: wire.ReasonCluster})
}

// TestEdgesStandInTheOrderOfTheirPairs: also where zones have made it another one than that
// of their names (claim 5).
func TestEdgesStandInTheOrderOfTheirPairs(t *testing.T) {
	p := ringOf(FailSafeAdmission, 8, 8, 8, 8)
	for i, zone := range []string{"a", "a", "b", "b"} {
		p.Edges[i].Zone = zone
	}
	p = Form(p.Index())
	for i, e := range p.Edges {
		if q := p.Pairs[i]; q.Low != e.Name || q.High != p.Edges[(i+1)%4].Name {
			t.Errorf("%v in %v", p.Pairs, p.Edges)
		}
	}
	if p.Edges[0].Zone == p.Edges[1].Zone {
		t.Errorf("%v", p.Edges)
	}
}
