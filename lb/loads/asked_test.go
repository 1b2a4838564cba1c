package loads

import (
	"fmt"
	"testing"
	"time"

	"tandem/internal/wire"
)

// An edge is told what the others have asked for a client, of late; never its own part,
// and of so many clients at most.
func TestAnEdgeIsToldWhatTheOthersHaveAsked(t *testing.T) {
	l, now := New(), time.Unix(1000, 0)
	l.Take(wire.Report{Edge: "edge-1", Sequence: 1, Asked: []wire.Asked{{Client: "a", Misses: 100}, {Client: "b", Renewals: 7}}}, now.Add(-time.Minute))
	l.Take(wire.Report{Edge: "edge-2", Sequence: 1, Asked: []wire.Asked{{Client: "a", Misses: 10, Renewals: 5}}}, now)
	l.Take(wire.Report{Edge: "edge-3", Sequence: 1, Asked: []wire.Asked{{Client: "a", Misses: 1000}}}, now)
	got := l.Asked("edge-3", now)
	if len(got) != 2 || got[0].Client != "a" || int(got[0].Misses) != 46 || got[0].Renewals != 5 || got[1].Client != "b" || int(got[1].Renewals) != 2 {
		t.Errorf("%+v", got)
	}
	var many []wire.Asked
	for i := range 2 * wire.MaxAsked {
		many = append(many, wire.Asked{Client: fmt.Sprint(i), Misses: float64(i)})
	}
	l.Take(wire.Report{Edge: "edge-1", Sequence: 2, Asked: many}, now)
	if got := l.Asked("edge-2", now); len(got) != wire.MaxAsked || got[0].Client != "a" || got[1].Misses != 2*wire.MaxAsked-1 {
		t.Errorf("%d clients, %+v", len(got), got[:2])
	}
}
