package sim

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// places is how many sessions fit in all: each is of one pair, and is delivered by either
// of its members. By the least that separates what pairs hold from what edges deliver.
func places(p *wire.Placement, limits map[string]int) int {
	least := 1 << 30
	for cut := range 1 << len(p.Edges) {
		n, in := 0, map[string]bool{}
		for i, e := range p.Edges {
			if cut>>i&1 == 1 {
				n += limits[e.Name]
				in[e.Name] = true
			}
		}
		for i := range p.Pairs {
			if q := &p.Pairs[i]; !in[q.Low] || !in[q.High] {
				n += ring.PairLimit(p, q)
			}
		}
		least = min(least, n)
	}
	return least
}

// TestNobodyIsRefusedBeforeAllPlacesAreTaken: unequal edges, any crowd, some of whom
// leave again: as many find room as there are places, whichever edges and pairs the first
// ones were given to.
func TestNobodyIsRefusedBeforeAllPlacesAreTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Scenario{Admission: ring.FailSafeAdmission, Policy: Tandem, MaxStreams: maxStreams, Rules: ring.Rules{
			Choose: rapid.SampledFrom([]string{ring.ChooseLeast, ring.ChooseFirst}).Draw(t, "choose"), HotShare: rapid.SampledFrom([]int{0, 50, 90}).Draw(t, "share"),
		}}
		if rapid.IntRange(0, 3).Draw(t, "pair admission") == 0 {
			s.Admission = ring.PairAdmission
		}
		n := rapid.IntRange(2, 8).Draw(t, "n")
		for i := range n {
			s.Edges = append(s.Edges, Member{Name: fmt.Sprintf("e%d", i+1), Capacity: rapid.IntRange(1, 40).Draw(t, "capacity")})
		}
		c := newTandem(s)
		streams := rapid.IntRange(1, 12).Draw(t, "streams")
		for range rapid.IntRange(0, 12).Draw(t, "comings and goings") {
			name := fmt.Sprint("s", rapid.IntRange(0, streams-1).Draw(t, "stream"))
			c.open(name, rapid.IntRange(0, 40).Draw(t, "open"))
			c.close(fmt.Sprint("s", rapid.IntRange(0, streams-1).Draw(t, "stream")), rapid.IntRange(0, 20).Draw(t, "close"))
		}
		c.open("s0", 40*n)
		check(t, c)
		if want := places(c.p, c.loads.Limits); c.sessionList.open != want {
			t.Fatalf("%d found room, there are %d places: %v of %v, pairs %v", c.sessionList.open, want, c.loads.Delivering, c.loads.Limits, c.loads.Sum)
		}
	})
}
