package control

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// queryLimit is how long edges may take to say how they are.
const queryLimit = 300 * time.Millisecond

// refreshEvery is how old figures may be that a viewer is refused by.
const refreshEvery = 100 * time.Millisecond

// Refresh asks every edge, unless that was done a moment ago: a crowd that is
// refused costs no more than one viewer.
func (c *Control) Refresh(ctx context.Context, p *wire.Placement) {
	c.refreshing.Lock()
	defer c.refreshing.Unlock()
	if c.deps.Now().Sub(c.refreshed) < refreshEvery {
		return
	}
	c.Query(ctx, p, nil)
	c.refreshed = c.deps.Now()
}

// Query asks edges for their reports, side by side; nil: all that deliver. Who
// does not answer keeps the report it sent last.
func (c *Control) Query(ctx context.Context, p *wire.Placement, names []string) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	var under sync.WaitGroup
	defer under.Wait()
	for _, e := range p.Edges {
		if !ring.Delivers(e.State) || names != nil && !slices.Contains(names, e.Name) {
			continue
		}
		under.Go(func() {
			var report wire.Report
			if c.deps.Call.Ask(ctx, http.MethodGet, e.HTTP+wire.PathReport, nil, &report) == nil && report.Edge == e.Name {
				c.Loads.Take(report, c.deps.Now())
			}
		})
	}
}
