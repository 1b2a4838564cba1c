package loads

import (
	"testing"
	"time"

	"tandem/internal/wire"
)

// What an edge has counted never falls: not where it starts anew, nor where the balancer that
// had heard it does, nor while it is away.
func TestSumsNeverRunBackwards(t *testing.T) {
	now := time.Unix(1000, 0)
	tell := func(l *Loads, life, n uint64, sent int64, before *wire.Traffic) {
		l.Take(wire.Report{Edge: "edge-1", Incarnation: 10*life + n, Sequence: n, Life: int64(life), // each is a new incarnation: one that was thought dead
			Traffic: wire.Traffic{SentBytes: sent, Hits: 2 * sent}, Before: before}, now)
	}
	first, second := New(), New()
	if c := first.Counted("edge-1"); c != (wire.Traffic{}) || first.Before("edge-1") != nil {
		t.Fatalf("of nobody: %+v", c)
	}
	tell(first, 1, 1, 40, nil)
	tell(first, 1, 2, 100, nil)
	if c := first.Counted("edge-1"); c.SentBytes != 100 || c.Hits != 200 || first.Before("edge-1") != nil {
		t.Errorf("one life: %+v", c)
	}
	tell(first, 2, 1, 5, nil) // it has not heard yet what it had
	if c := first.Counted("edge-1"); c.SentBytes != 105 || c.Hits != 210 {
		t.Errorf("started anew: %+v", c)
	}
	tell(first, 2, 2, 6, first.Before("edge-1"))
	if c := first.Counted("edge-1"); c.SentBytes != 106 {
		t.Errorf("it has heard: %+v", c)
	}
	tell(second, 2, 3, 7, first.Before("edge-1")) // the balancer is anew
	if c := second.Counted("edge-1"); c.SentBytes != 107 || c.Hits != 214 {
		t.Errorf("the balancer is anew: %+v", c)
	}
	tell(second, 3, 1, 1, nil)
	if c := second.Counted("edge-1"); c.SentBytes != 108 {
		t.Errorf("both are anew: %+v", c)
	}
	tell(second, 3, 2, 1, &wire.Traffic{SentBytes: 500}) // another balancer had heard more
	if c := second.Counted("edge-1"); c.SentBytes != 501 || c.Hits != 216 {
		t.Errorf("more was told: %+v", c)
	}
}
