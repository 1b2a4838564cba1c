package edges

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/loads"
)

// Asking asks edges.
type Asking struct {
	call  *call.Client
	loads *loads.Loads
	now   func() time.Time

	refreshing sync.Mutex
	refreshed  time.Time // guarded by refreshing
}

// New makes one; what edges say of themselves goes to known.
func New(call *call.Client, known *loads.Loads, now func() time.Time) *Asking {
	return &Asking{call: call, loads: known, now: now}
}

// queryLimit is how long edges may take to say how they are.
const queryLimit = 300 * time.Millisecond

// refreshEvery is how old figures may be that a viewer is refused by.
const refreshEvery = 100 * time.Millisecond

// Refresh asks every edge, unless that was done a moment ago and later than after: a
// crowd that is refused costs no more than one viewer. Who comes too early for the next
// time waits for it.
func (a *Asking) Refresh(ctx context.Context, p *wire.Placement, after time.Time) {
	a.refreshing.Lock()
	defer a.refreshing.Unlock()
	if wait := refreshEvery - a.now().Sub(a.refreshed); wait > 0 {
		if a.refreshed.After(after) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
	a.refreshed = a.now()
	a.Query(ctx, p, nil)
}

// Tables are the occupied slots of every pair (Loads.Tables), after those were asked who
// deliver and have not told this balancer their load, but for one: who is dead, or only
// comes. silent are those who have not answered: what they deliver is known from their
// neighbours at most.
func (a *Asking) Tables(ctx context.Context, p *wire.Placement, but string) (tables []ring.Load, silent []string) {
	unknown := func() []string {
		return slices.DeleteFunc(a.loads.Silent(p, a.now()), func(name string) bool { return name == but })
	}
	if silent = unknown(); len(silent) > 0 {
		a.Query(ctx, p, silent)
		silent = unknown()
	}
	return a.loads.Tables(p, a.now()), silent
}

// Query asks edges for their reports by this placement, side by side; nil: all that
// deliver. Who does not answer keeps the report it sent last.
func (a *Asking) Query(ctx context.Context, p *wire.Placement, names []string) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	version := "?version=" + strconv.FormatUint(p.Version, 10)
	var under sync.WaitGroup
	defer under.Wait()
	for _, e := range p.Edges {
		if !ring.Delivers(e.State) || names != nil && !slices.Contains(names, e.Name) {
			continue
		}
		under.Go(func() {
			var report wire.Report
			if a.call.Ask(ctx, http.MethodGet, e.HTTP+wire.PathReport+version, nil, &report) == nil && report.Edge == e.Name {
				a.loads.Take(report, a.now())
			}
		})
	}
}
