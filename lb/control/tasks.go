package control

import (
	"context"
	"errors"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm"
)

// Intervals of the tasks.
const (
	taskEvery    = 100 * time.Millisecond
	settleApart  = time.Second      // between two settlings, which need new reports to tell more
	settleFutile = 30 * time.Second // after one that changed nothing
	tellApart    = time.Second      // between two attempts to make this balancer known
)

// taskTimes is when what was done last; owned by tasks.
type taskTimes struct {
	told, settled, futile time.Time
	down                  map[ring.Life]time.Time // since when
	joined                bool
}

// tasks keeps this balancer in the placement and, while it leads, does for the
// ring what nobody else proposes.
func (c *Control) tasks(ctx context.Context) error {
	times := taskTimes{down: map[ring.Life]time.Time{}, joined: c.cfg.Join == ""}
	tick := time.NewTicker(taskEvery)
	defer tick.Stop()
	for {
		if !times.joined && c.deps.Now().Sub(times.told) > tellApart {
			times.told = c.deps.Now()
			times.joined = c.joinCluster(ctx)
		}
		if times.joined {
			c.makeKnown(ctx, &times)
		}
		c.noteDown(&times)
		if c.node.IsLeader() {
			c.letLeave(ctx)
			c.settleRing(ctx, &times)
			c.removeDead(ctx, &times)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// letLeave lets a leaving edge go when its successors have copied.
func (c *Control) letLeave(ctx context.Context) {
	p := c.node.Placement()
	for _, e := range p.Edges {
		if !ring.Goes(e) {
			continue
		}
		version := p.Version
		if successors := ring.Heirs(p, e.Name); len(successors) > 0 {
			version = c.successors.version(p, successors)
		}
		if version < e.Since {
			continue
		}
		c.task(ctx, raftfsm.Command{Kind: raftfsm.Left, Name: e.Name, Version: version, Loads: c.Loads.Tables(p, c.deps.Now())})
		return // the ring is another one now
	}
}

// settleRing settles the boundaries anew when an edge is above its capacity, and
// ends retiring pairs that are empty.
func (c *Control) settleRing(ctx context.Context, times *taskTimes) {
	now := c.deps.Now()
	if now.Sub(times.settled) < settleApart || now.Sub(times.futile) < settleFutile {
		return
	}
	p := c.node.Placement()
	cause := ""
	if above := c.Loads.Above(p); len(above) > 0 {
		cause = above[0] + " is above its capacity"
	} else if !c.retired(p) {
		return
	}
	times.settled = now
	if result, ok := c.task(ctx, raftfsm.Command{Kind: raftfsm.Settle, Cause: cause, Loads: c.Loads.Tables(p, now)}); ok && !result.Changed {
		times.futile = now
	}
}

// retired tells whether a retiring pair is empty in all its members' reports.
func (c *Control) retired(p *wire.Placement) bool {
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if q.Retiring && c.empty(p, q) {
			return true
		}
	}
	return false
}

func (c *Control) empty(p *wire.Placement, q *wire.Pair) bool {
	for _, name := range []string{q.Low, q.High} {
		e, ok := p.Edge(name)
		if !ok || e.State == wire.EdgeDown {
			continue
		}
		report, _, ok := c.Loads.Last(e)
		if !ok {
			return false
		}
		told := false
		for _, load := range report.Pairs {
			if load.Pair == q.ID {
				told = true
				if load.Sessions > 0 {
					return false
				}
			}
		}
		if !told {
			return false
		}
	}
	return true
}

// noteDown keeps since when edges are down, for whoever leads next as well.
func (c *Control) noteDown(times *taskTimes) {
	now := c.deps.Now()
	present := map[ring.Life]bool{}
	for _, e := range c.node.Placement().Edges {
		if e.State != wire.EdgeDown {
			continue
		}
		life := ring.Life{Edge: e.Name, Incarnation: e.Incarnation}
		present[life] = true
		if _, ok := times.down[life]; !ok {
			times.down[life] = now
		}
	}
	for life := range times.down {
		if !present[life] {
			delete(times.down, life)
		}
	}
}

// removeDead takes out the members that have been dead for so long that they
// won't come back, so that the ring closes over them.
func (c *Control) removeDead(ctx context.Context, times *taskTimes) {
	if c.cfg.DeadAfter == 0 {
		return
	}
	now := c.deps.Now()
	for life, since := range times.down {
		if now.Sub(since) < c.cfg.DeadAfter {
			continue
		}
		times.down[life] = now // refused, for the last edge: not at every tick
		cause := "down for " + c.cfg.DeadAfter.String()
		c.task(ctx, raftfsm.Command{Kind: raftfsm.Remove, Name: life.Edge, Cause: cause, Loads: c.Loads.Tables(c.node.Placement(), now)})
	}
}

// task proposes; what fails is done at a later tick.
func (c *Control) task(ctx context.Context, command raftfsm.Command) (raftfsm.Result, bool) {
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	result, err := c.Proposals.Propose(ctx, command)
	if err != nil && ctx.Err() == nil && !errors.Is(err, raftfsm.ErrStale) {
		c.deps.Logger.Warn().Err(err).Str("command", string(command.Kind)).Msg("leader task refused")
	}
	return result, err == nil
}
