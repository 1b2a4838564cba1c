package control

import (
	"context"
	"slices"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/loads"
)

// standInEvery is how often it is looked whether stand-ins are still what is routed
// by; a report that tells of one is looked at at once.
const standInEvery = 100 * time.Millisecond

// overlay is the placement as it is routed by while nobody can commit a death:
// what edges that stand in for a silent neighbour say is laid over it.
type overlay struct {
	base, shown *wire.Placement
	silent      map[string][]string // edges that are silent, with those who stand in for them
}

// Placement is what viewers are routed by: the committed one, but where the edges
// had to act without a majority of the balancers.
func (c *Control) Placement() *wire.Placement {
	p := c.node.Placement()
	if o := c.overlay.Load(); o != nil && o.base == p {
		return o.shown
	}
	return p
}

// Silent lists the edges that are silent without anybody being able to commit their
// death, and who stands in for each. The map is read-only.
func (c *Control) Silent() map[string][]string {
	if o := c.overlay.Load(); o != nil && o.base == c.node.Placement() {
		return o.silent
	}
	return nil
}

// Majority tells whether the placement can be changed now, as far as this balancer
// knows.
func (c *Control) Majority() bool {
	_, ok := c.node.Leader()
	return ok
}

// standIns keeps the overlay until ctx ends.
func (c *Control) standIns(ctx context.Context) error {
	tick := time.NewTicker(standInEvery)
	defer tick.Stop()
	for {
		changed, led := c.node.Watch(), c.node.LeaderWatch()
		c.overlayReports()
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-led:
		case <-tick.C:
		}
	}
}

// overlayReports lays what the edges say over the placement. It begins only where
// nobody leads, since a leader makes a death true by a commit; one that has begun
// stays until the commit is there, or a sign of life, so that no viewer is led to a
// dead edge while the balancers find each other again.
func (c *Control) overlayReports() {
	c.overlaying.Lock()
	defer c.overlaying.Unlock()
	p, before := c.node.Placement(), c.overlay.Load()
	if before == nil && c.Majority() {
		return
	}
	silent := map[string][]string{}
	var dead []ring.Life
	for _, e := range p.Edges {
		if before != nil && before.silent[e.Name] == nil && c.Majority() {
			continue
		}
		if by := c.standInsFor(p, e); len(by) > 0 {
			silent[e.Name] = by
			dead = append(dead, ring.Life{Edge: e.Name, Incarnation: e.Incarnation})
		}
	}
	if len(dead) == 0 {
		c.overlay.Store(nil)
		return
	}
	c.overlay.Store(&overlay{base: p, shown: ring.Overlay(p, dead), silent: silent})
}

// standInsFor lists the neighbours of an edge that say that they stand in for its
// present life. Nobody is believed about an edge that reports to this balancer.
func (c *Control) standInsFor(p *wire.Placement, e wire.Edge) []string {
	now := c.deps.Now()
	if _, at, ok := c.Loads.Last(e); e.State == wire.EdgeDown || ok && now.Sub(at) <= c.cfg.SilentFor {
		return nil
	}
	var by []string
	for i := range p.Pairs {
		n, ok := p.Edge(other(&p.Pairs[i], e.Name))
		if !ok || slices.Contains(by, n.Name) {
			continue
		}
		report, at, ok := c.Loads.Last(n)
		if ok && now.Sub(at) <= loads.StaleAfter && slices.ContainsFunc(report.StandsIn, func(s wire.StandIn) bool {
			return s.Edge == e.Name && s.Incarnation == e.Incarnation
		}) {
			by = append(by, n.Name)
		}
	}
	return by
}

// other is the other member of a pair, "" when the edge is none.
func other(q *wire.Pair, edge string) string {
	switch edge {
	case q.Low:
		return q.High
	case q.High:
		return q.Low
	default:
		return ""
	}
}
