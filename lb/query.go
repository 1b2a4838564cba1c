package lb

import (
	"context"
	"net/http"
	"sync"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// queryLimit is how long edges may take to say how they are.
const queryLimit = 300 * time.Millisecond

// refreshEvery is how old figures may be that a viewer is refused by.
const refreshEvery = 100 * time.Millisecond

// refresh asks every edge, unless that was done a moment ago: a crowd that is
// refused costs no more than one viewer.
func (l *LB) refresh(ctx context.Context, p *wire.Placement) {
	l.refreshing.Lock()
	defer l.refreshing.Unlock()
	if l.now().Sub(l.refreshed) < refreshEvery {
		return
	}
	l.query(ctx, p, nil)
	l.refreshed = l.now()
}

// query asks edges for their reports, side by side; nil: all that deliver. Who
// does not answer keeps the report it sent last.
func (l *LB) query(ctx context.Context, p *wire.Placement, names []string) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	var under sync.WaitGroup
	defer under.Wait()
	for _, e := range p.Edges {
		if !ring.Delivers(e.State) || names != nil && !contains(names, e.Name) {
			continue
		}
		under.Go(func() {
			var report wire.Report
			if l.call.Ask(ctx, http.MethodGet, e.HTTP+wire.PathReport, nil, &report) == nil && report.Edge == e.Name {
				l.loads.take(report, l.now())
			}
		})
	}
}
