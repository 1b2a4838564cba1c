package ring

import (
	"fmt"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"tandem/internal/wire"
)

// TestNeighboursAreInDifferentZonesWhereTheyCanBe: no zone has more than half of the
// edges, then no neighbours share one; nobody is lost or doubled by the order, and
// without a need it is the natural one.
func TestNeighboursAreInDifferentZonesWhereTheyCanBe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, count := &wire.Placement{}, map[string]int{}
		n, half := rapid.IntRange(1, 24).Draw(t, "n"), rapid.Bool().Draw(t, "half of them in one")
		for i := range n {
			e := wire.Edge{Name: fmt.Sprintf("e%d", i+1), Capacity: 4, State: wire.EdgeUp, Zone: []string{"", "a", "b", "c"}[rapid.IntRange(0, 3).Draw(t, "zone")]}
			if half && i >= n-n/2 {
				e.Zone = "a"
			}
			p.Edges = append(p.Edges, e)
			if e.Zone != "" {
				count[e.Zone]++
			}
		}
		inOrder := slices.Clone(p.Edges)
		p = Form(p.Index())
		can := true
		for _, k := range count {
			can = can && 2*k <= n
		}
		if pairs := SameZone(p); can && n > 1 && len(pairs) > 0 {
			t.Fatalf("pairs %v of %v share a zone", pairs, p.Edges)
		}
		if conflicts(inOrder) == 0 && !slices.Equal(p.Edges, inOrder) {
			t.Fatalf("reordered without a need: %v", p.Edges)
		}
		sort.Slice(p.Edges, func(i, j int) bool { return natural(p.Edges[i].Name, p.Edges[j].Name) })
		if !slices.Equal(p.Edges, inOrder) {
			t.Fatalf("%v became %v", inOrder, p.Edges)
		}
	})
}

func TestANewEdgeGoesWhereItIsApart(t *testing.T) {
	p := ringOf(FailSafeAdmission, 8, 8, 8, 8)
	for i, zone := range []string{"a", "b", "b", "a"} {
		p.Edges[i].Zone = zone
	}
	equal(t, "in one zone", SameZone(p.Index()), []wire.PairID{2, 4})
	equal(t, "of a: between the two of b", PlaceFor(p, wire.Edge{Name: "x", Zone: "a"}), "e2")
	equal(t, "of b: between the two of a", PlaceFor(p, wire.Edge{Name: "x", Zone: "b"}), "e4")
	equal(t, "of c: between two of one", PlaceFor(p, wire.Edge{Name: "x", Zone: "c"}), "e4")
	equal(t, "without a zone", PlaceFor(ringOf(FailSafeAdmission, 8, 8), wire.Edge{Name: "x"}), "e2")
	equal(t, "into an empty ring", PlaceFor(new(wire.Placement).Index(), wire.Edge{Name: "x", Zone: "a"}), "")
}

// TestALostZone: what a zone's edges held together has no copy left; the rest of the
// cluster delivers what it has room for.
func TestALostZone(t *testing.T) {
	p, loads := figure16()
	for i, zone := range []string{"a", "b", "b", "a"} {
		p.Edges[i].Zone = zone
	}
	for i := range loads {
		loads[i] = fill(p, p.Pairs[i].ID, 2, 1)
	}
	equal(t, "neighbours in one zone", ZoneLosses(p.Index(), loads), []wire.ZoneLoss{
		{Zone: "a", Edges: []string{"e1", "e4"}, Given: 3}, {Zone: "b", Edges: []string{"e2", "e3"}, Given: 3, Margin: 1},
	})
	p.Edges[1].Zone, p.Edges[2].Zone, p.Edges[3].Zone = "b", "a", "b"
	equal(t, "apart", ZoneLosses(p.Index(), loads), []wire.ZoneLoss{
		{Zone: "a", Edges: []string{"e1", "e3"}, Margin: 2}, {Zone: "b", Edges: []string{"e2", "e4"}, Margin: 2},
	})
	_, full := figure16()
	equal(t, "full", ZoneLosses(p, full)[0], wire.ZoneLoss{Zone: "a", Edges: []string{"e1", "e3"}, Lost: 8, Margin: -8})
}
