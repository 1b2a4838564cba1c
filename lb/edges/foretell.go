package edges

import (
	"context"
	"net/http"
	"sync"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// foretold is how long a change of the placement waits for those that get sessions by it.
const foretold = 500 * time.Millisecond

// ForetellState is Foretell for an edge that is about to have another state.
func (a *Asking) ForetellState(ctx context.Context, p *wire.Placement, edge string, state wire.EdgeState) {
	loads := a.loads.Tables(p, a.now())
	a.Foretell(ctx, p, ring.Becomes(p, edge, loads, state), loads)
}

// Foretell tells edges of the sessions that they get from others when the placement becomes
// another one, so that what comes next in them is in memory then (claims 17, 23), and
// returns when it is, at the limit, or when ctx ends. Where nobody gets any it
// returns at once.
func (a *Asking) Foretell(ctx context.Context, before, after *wire.Placement, loads []ring.Load) {
	ctx, cancel := context.WithTimeout(ctx, foretold)
	defer cancel()
	var under sync.WaitGroup
	defer under.Wait()
	for name, given := range ring.Given(before, after, loads) {
		if e, ok := before.Edge(name); ok {
			under.Go(func() { _ = a.call.Ask(ctx, http.MethodPost, e.HTTP+wire.PathForesee, given, nil) }) // else it asks for it when it has them
		}
	}
}
