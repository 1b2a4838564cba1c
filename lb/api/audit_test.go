package api

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/wire"
	"tandem/raftfsm"
)

// An order is told until it is known, by one and the same command, and nobody who
// orders waits for that; without a majority the newest ones wait, bounded.
func TestOrdersAreToldUntilTheyAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var known []wire.Audited
		ids, majority, old := map[string]int{}, false, false
		a := NewAudits("lb-2", func(ctx context.Context, c raftfsm.Command) (raftfsm.Result, error) {
			ids[c.ID]++
			switch {
			case old:
				return raftfsm.Result{}, fmt.Errorf("%w: kind", raftfsm.ErrMalformed)
			case !majority:
				<-ctx.Done()
				return raftfsm.Result{}, context.Cause(ctx)
			}
			if c.Kind != raftfsm.Audited || len(c.Audited) > wire.MaxAudited {
				t.Errorf("%+v", c)
			}
			known = append(known, c.Audited...)
			return raftfsm.Result{}, nil
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- a.run(ctx) }()
		a.Add(wire.Audited{Path: "first"})
		synctest.Wait()
		for n := range auditsMost + 10 {
			a.Add(wire.Audited{Path: fmt.Sprint(n)})
		}
		time.Sleep(20 * time.Second)
		if len(known) != 0 || len(ids) != 1 {
			t.Fatalf("%d known, %d commands", len(known), len(ids))
		}
		majority = true
		time.Sleep(20 * time.Second)
		if len(known) != 1+auditsMost || known[0].Path != "first" || known[0].Node != "lb-2" || known[1].Path != "10" || known[auditsMost].Path != fmt.Sprint(auditsMost+9) {
			t.Fatalf("%d known, from %+v", len(known), known[:2])
		}
		old = true
		a.Add(wire.Audited{Path: "to an older build"})
		synctest.Wait()
		old = false
		a.Add(wire.Audited{Path: "last"})
		synctest.Wait()
		if n := len(known); known[n-1].Path != "last" || n != 2+auditsMost {
			t.Errorf("%d known, the last is %+v", n, known[n-1])
		}
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
