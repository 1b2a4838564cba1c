package edge

import (
	"testing"

	"tandem/internal/wire"
)

// TestOnlyOwnSlotsAreAllotted: slots that the placement has given to an edge
// outside the pair are allotted by that edge alone, taken or free.
func TestOnlyOwnSlotsAreAllotted(t *testing.T) {
	p := &wire.Placement{
		Edges: []wire.Edge{{Name: "a", State: wire.EdgeUp}, {Name: "b", State: wire.EdgeDown}, {Name: "c", State: wire.EdgeUp}},
		Pairs: []wire.Pair{
			{ID: 1, Low: "a", High: "b", Slots: 4, Boundary: 4, Adopted: []wire.Adoption{{Edge: "c", From: 0, To: 2}}},
			{ID: 2, Low: "b", High: "a", Slots: 4, Boundary: 0, Adopted: []wire.Adoption{{Edge: "c", From: 2, To: 4}}},
		},
	}
	for _, c := range []struct {
		me    string
		pair  int
		slots []int
	}{{"a", 0, []int{2, 3}}, {"c", 0, []int{0, 1}}, {"a", 1, []int{1, 0}}, {"c", 1, []int{2, 3}}, {"b", 0, nil}} {
		table := newTable(4)
		table.follow(p.Index(), &p.Pairs[c.pair], c.me)
		for _, want := range c.slots {
			if slot, ok := table.allot(c.me); !ok || slot != want {
				t.Errorf("%s, pair %d: slot %d, %v; want %d", c.me, c.pair+1, slot, ok, want)
			}
		}
		if slot, ok := table.allot(c.me); ok {
			t.Errorf("%s, pair %d: slot %d is not its own", c.me, c.pair+1, slot)
		}
	}
}
