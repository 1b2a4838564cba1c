package placement

import (
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// died writes the receipt of a death. Committed is the time of the proposal,
// since Apply has no clock; what the responses in hand lived through, each
// balancer adds to its own copy.
func (ch *change) died(e wire.Edge, cause string) {
	noticed := ch.c.Noticed
	if noticed == 0 {
		noticed = ch.c.At
	}
	if cause == "" {
		cause = "unknown"
	}
	deaths := append(make([]wire.Receipt, 0, len(ch.deaths)+1), ch.deaths...)
	ch.deaths = last(append(deaths, wire.Receipt{
		Edge: e.Name, Incarnation: e.Incarnation, Noticed: noticed, By: ch.c.By, Cause: cause,
		Committed: ch.c.At, Version: ch.version,
		Boundaries: ring.Chain(ch.next, e.Name, ch.plan.Boundaries), Moved: ch.plan.Moved, Lost: ch.plan.Lost,
	}), keepDeaths)
}

// returned notes on an edge's open receipts that it delivers again.
func (ch *change) returned(name string) {
	deaths := append(make([]wire.Receipt, 0, len(ch.deaths)), ch.deaths...)
	newest := true
	for i := len(deaths) - 1; i >= 0; i-- {
		if deaths[i].Edge != name || deaths[i].Returned != 0 {
			continue
		}
		deaths[i].Returned = max(ch.c.At, 1) // 0 means not yet
		if newest {
			deaths[i].CopiedBytes = max(ch.c.CopiedBytes, 0)
		}
		newest = false
	}
	ch.deaths = deaths
}
