package fetch

import (
	"testing"
	"time"

	"tandem/internal/wire"
)

// A neighbour that was silent is left alone for a while, and its next life is not.
func TestANewLifeIsNotBackedOff(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	v := NewView("e1", func() time.Time { return now })
	life := func(n uint64) {
		v.Swap((&wire.Placement{Edges: []wire.Edge{{Name: "e2", Incarnation: n}}}).Index())
	}
	life(7)
	v.BackOff("e2")
	if !v.BacksOff("e2") || v.BacksOff("e3") {
		t.Error("who was silent is asked, or another one is not")
	}
	life(8)
	if v.BacksOff("e2") {
		t.Error("its next life is left alone")
	}
	life(7)
	if now = now.Add(backoffFor); v.BacksOff("e2") {
		t.Error("it is left alone for longer")
	}
}
