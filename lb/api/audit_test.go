package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// An order is told until it is known, by one and the same command, and nobody who
// orders waits for that; without a majority the newest ones wait, bounded.
func TestOrdersAreToldUntilTheyAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // synctest orders what happens, and the race detector does not know
		var known []wire.Audited
		ids, majority, old := map[string]int{}, false, false
		set := func(m, o bool) { mu.Lock(); defer mu.Unlock(); majority, old = m, o }
		a := NewAudits("lb-2", func(ctx context.Context, c placement.Command) (placement.Result, error) {
			mu.Lock()
			ids[c.ID]++
			reached, refuses := majority, old
			mu.Unlock()
			switch {
			case refuses:
				return placement.Result{}, fmt.Errorf("%w: kind", placement.ErrMalformed)
			case !reached:
				<-ctx.Done()
				return placement.Result{}, context.Cause(ctx)
			}
			if c.Kind != placement.Audited || len(c.Audited) > wire.MaxAudited {
				t.Errorf("%+v", c)
			}
			mu.Lock()
			defer mu.Unlock()
			known = append(known, c.Audited...)
			return placement.Result{}, nil
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
		synctest.Wait()
		if len(known) != 0 || len(ids) != 1 {
			t.Fatalf("%d known, %d commands", len(known), len(ids))
		}
		set(true, false)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if len(known) != 1+auditsMost || known[0].Path != "first" || known[0].Node != "lb-2" || known[1].Path != "10" || known[auditsMost].Path != fmt.Sprint(auditsMost+9) {
			t.Fatalf("%d known, from %+v", len(known), known[:2])
		}
		set(true, true)
		a.Add(wire.Audited{Path: "to an older build"})
		synctest.Wait()
		set(true, false)
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
