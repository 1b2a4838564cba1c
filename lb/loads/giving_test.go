package loads

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Edges are told for a while before a planned takeover is made, and whoever makes it waits;
// where nobody has anything to give, nobody waits.
func TestWhoGivesIsToldBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := ring.Form((&wire.Placement{Edges: []wire.Edge{{Name: "e1", Capacity: 8, State: wire.EdgeUp}, {Name: "e2", Capacity: 8, State: wire.EdgeUp}}}).Index())
		l, began := New(), time.Now()
		l.Foretell(context.Background(), p, "e1", wire.EdgeDraining, began)
		if waited := time.Since(began); waited != 0 || l.Giving(began) != nil {
			t.Fatalf("waited %s for an edge without sessions", waited)
		}
		l.Take(wire.Report{Edge: "e1", Delivering: 1, Capacity: 8}, began)
		done := make(chan time.Duration)
		go func() {
			l.Foretell(context.Background(), p, "e1", wire.EdgeDraining, began)
			done <- time.Since(began)
		}()
		synctest.Wait()
		if names := l.Giving(time.Now()); len(names) != 1 || names[0] != "e1" {
			t.Fatalf("told of %v", names)
		}
		if waited := <-done; waited != foretold {
			t.Fatalf("waited %s", waited)
		}
		if names := l.Giving(began.Add(givesFor + 1)); names != nil {
			t.Fatalf("for ever: %v", names)
		}
		over, stop := context.WithCancel(context.Background())
		stop()
		if l.Foretell(over, p, "e1", wire.EdgeDraining, time.Now()); time.Since(began) != foretold {
			t.Fatal("waited for nobody")
		}
	})
}
