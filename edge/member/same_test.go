package member

import (
	"fmt"
	"testing"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// A placement in which a stream is new costs an edge the same in a ring of 1,024 as in one
// of 16: whose tables it holds is looked for only where edges or pairs have changed.
func TestAllocationsOfANewStreamDoNotGrowWithTheRing(t *testing.T) {
	for _, n := range []int{16, 1024} {
		p := &wire.Placement{Version: 1, Admission: ring.PairAdmission}
		for i := range n {
			p.Edges = append(p.Edges, wire.Edge{Name: fmt.Sprintf("e%d", i), Capacity: 8, State: wire.EdgeUp, Incarnation: 1})
		}
		p = ring.Form(p.Index())
		s := newTables("e1")
		s.follow(p, 0)
		if len(s.all) != 3 {
			t.Fatalf("of %d: %d tables", n, len(s.all))
		}
		if allocations := testing.AllocsPerRun(5, func() { s.follow(p, 0) }); allocations > 100 {
			t.Errorf("of %d: %.0f allocations", n, allocations)
		}
	}
}
