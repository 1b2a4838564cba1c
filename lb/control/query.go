package control

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// queryLimit is how long edges may take to say how they are.
const queryLimit = 300 * time.Millisecond

// refreshEvery is how old figures may be that a viewer is refused by.
const refreshEvery = 100 * time.Millisecond

// Refresh asks every edge, unless that was done a moment ago and later than after: a
// crowd that is refused costs no more than one viewer. Who comes too early for the next
// time waits for it.
func (c *Control) Refresh(ctx context.Context, p *wire.Placement, after time.Time) {
	c.refreshing.Lock()
	defer c.refreshing.Unlock()
	if wait := refreshEvery - c.deps.Now().Sub(c.refreshed); wait > 0 {
		if c.refreshed.After(after) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
	c.refreshed = c.deps.Now()
	c.Query(ctx, p, nil)
}

// Query asks edges for their reports by this placement, side by side; nil: all that
// deliver. Who does not answer keeps the report it sent last.
func (c *Control) Query(ctx context.Context, p *wire.Placement, names []string) {
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
			if c.deps.Call.Ask(ctx, http.MethodGet, e.HTTP+wire.PathReport+version, nil, &report) == nil && report.Edge == e.Name {
				c.Loads.Take(report, c.deps.Now())
			}
		})
	}
}
