package sim

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/ring"
	"tandem/internal/ring/ringtest"
)

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
		if want := ringtest.Places(c.p, c.loads.Limits); c.sessionList.open != want {
			t.Fatalf("%d found room, there are %d places: %v of %v, pairs %v", c.sessionList.open, want, c.loads.Delivering, c.loads.Limits, c.loads.Sum)
		}
	})
}
