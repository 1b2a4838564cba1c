package control

import (
	"context"
	"errors"
	"slices"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// Intervals of the tasks.
const (
	taskEvery    = 100 * time.Millisecond
	settleApart  = time.Second      // between two settlings, which need new reports to tell more
	settleFutile = 30 * time.Second // after one that changed nothing
	tellApart    = time.Second      // between two attempts to make this balancer known

	orderLimit = 5 * time.Second        // for a task of the leader
	downLimit  = 4 * time.Second        // for a death; the next check proposes it again
	courtesy   = 300 * time.Millisecond // that the others wait for the leader to do it first
)

// tasks keep this balancer in the placement and, while it leads, do for the ring what
// nobody else proposes. What was done when is owned by runTasks.
type tasks struct {
	c *Control

	told, settled, futile time.Time
	down                  map[ring.Life]time.Time // since when
	watched               time.Time               // the edges were asked
	idle                  map[string]time.Time    // streams that nobody watches, since when; of this term as leader
	joined                bool
	moved                 time.Time // another address was told
}

// runTasks does them until ctx ends.
func (c *Control) runTasks(ctx context.Context) error {
	t := &tasks{c: c, down: map[ring.Life]time.Time{}, joined: c.cfg.Join == ""}
	tick := time.NewTicker(taskEvery)
	defer tick.Stop()
	for {
		t.do(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// do does what is due.
func (t *tasks) do(ctx context.Context) {
	if t.c.node.Fresh() || t.c.node.Released() {
		return
	}
	if !t.joined && t.c.deps.Now().Sub(t.told) > tellApart {
		t.told = t.c.deps.Now()
		t.joined = t.joinCluster(ctx)
	}
	t.tellMoved(ctx)
	if t.joined {
		t.makeKnown(ctx)
	}
	t.noteDown()
	t.agree(ctx)
	if !t.c.node.IsLeader() {
		t.idle = nil
		return
	}
	t.nameCluster(ctx)
	t.promote(ctx)
	rotation{t}.tend(ctx)
	t.protect(ctx)
	t.authority(ctx)
	t.letLeave(ctx)
	t.settleRing(ctx)
	t.rehome(ctx)
	t.removeDead(ctx)
	t.keepStreams(ctx)
}

// letLeave lets a leaving edge go when its successors have copied.
func (t *tasks) letLeave(ctx context.Context) {
	p := t.c.node.Placement()
	for _, e := range p.Edges {
		if !ring.Goes(e) {
			continue
		}
		version := p.Version
		if successors := ring.Successors(p, e.Name); len(successors) > 0 {
			version = t.c.successors.version(p, successors)
		}
		if version < e.Since {
			continue
		}
		tables, _ := t.c.Tables(ctx, p, "")
		gone := ring.Leave(p, e.Name)
		t.c.Foretell(ctx, p, ring.Settle(gone, tables, ring.AnchorHome).ApplyTo(gone), tables)
		t.task(ctx, placement.Command{Kind: placement.Left, Name: e.Name, Version: version, Loads: tables})
		return // the ring is another one now
	}
}

// settleRing settles the boundaries anew when an edge is above its capacity, ends
// retiring pairs that are empty, and lets tables shrink to their members' capacity.
func (t *tasks) settleRing(ctx context.Context) {
	now := t.c.deps.Now()
	if now.Sub(t.settled) < settleApart || now.Sub(t.futile) < settleFutile {
		return
	}
	p := t.c.node.Placement()
	cause, tables, told := "", t.c.Loads.Tables(p, now), t.c.Loads.Followed(p)
	if above := t.c.Loads.Above(p); len(above) > 0 {
		cause = above[0] + " is above its capacity"
	} else if !t.retired(p) && ring.Fit(p, tables, told) == p {
		return
	}
	t.settled = now
	var silent []string
	if tables, silent = t.c.Tables(ctx, p, ""); len(silent) > 0 {
		return // who has how many is not known
	}
	t.c.Foretell(ctx, p, ring.Settle(p, tables, ring.AnchorCurrent).ApplyTo(p), tables)
	if result, ok := t.task(ctx, placement.Command{Kind: placement.Settle, Cause: cause, Loads: tables, Version: told}); ok && !result.Changed {
		t.futile = now
	}
}

// retired tells whether a retiring pair is empty in all its members' reports.
func (t *tasks) retired(p *wire.Placement) bool {
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if q.Retiring && t.empty(p, q) {
			return true
		}
	}
	return false
}

func (t *tasks) empty(p *wire.Placement, q *wire.Pair) bool {
	for _, name := range []string{q.Low, q.High} {
		e, ok := p.Edge(name)
		if !ok || e.State == wire.EdgeDown {
			continue
		}
		report, _, ok := t.c.Loads.Last(e)
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
func (t *tasks) noteDown() {
	now := t.c.deps.Now()
	present := map[ring.Life]bool{}
	for _, e := range t.c.node.Placement().Edges {
		if e.State != wire.EdgeDown {
			continue
		}
		life := ring.Life{Edge: e.Name, Incarnation: e.Incarnation}
		present[life] = true
		if _, ok := t.down[life]; !ok {
			t.down[life] = now
		}
	}
	for life := range t.down {
		if !present[life] {
			delete(t.down, life)
		}
	}
}

// removeDead takes out the members that have been dead for so long that they
// won't come back, so that the ring closes over them.
func (t *tasks) removeDead(ctx context.Context) {
	if t.c.cfg.DeadAfter == 0 {
		return
	}
	now := t.c.deps.Now()
	for life, since := range t.down {
		if now.Sub(since) < t.c.cfg.DeadAfter {
			continue
		}
		t.down[life] = now // refused, for the last edge: not at every tick
		cause := "down for " + t.c.cfg.DeadAfter.String()
		tables, _ := t.c.Tables(ctx, t.c.node.Placement(), "")
		t.task(ctx, placement.Command{Kind: placement.Remove, Name: life.Edge, Cause: cause, Loads: tables})
	}
}

// protect tells every node what viewers have to be let into, by the rules of this
// balancer.
func (t *tasks) protect(ctx context.Context) {
	want, ok := t.c.deps.Protects()
	if !ok {
		return
	}
	var have []wire.Protected
	if trust := t.c.node.Placement().Trust; trust != nil {
		have = trust.Protected
	}
	if !slices.Equal(have, want) {
		t.task(ctx, placement.Command{Kind: placement.Protect, Protected: want})
	}
}

// agree gets what the leader has where this balancer had another placement, and tells, where
// it leads, what it has itself: builds may reckon differently.
func (t *tasks) agree(ctx context.Context) {
	if version := t.c.node.Differs(); version > 0 {
		t.task(ctx, placement.Command{Kind: placement.Renew, Name: t.c.node.Name(), Version: version})
	} else if t.c.node.Untold() {
		t.task(ctx, placement.Command{Kind: placement.Reckoned})
	}
}

// task proposes; what fails is done at a later tick.
func (t *tasks) task(ctx context.Context, command placement.Command) (placement.Result, bool) {
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	result, err := t.c.Proposals.Propose(ctx, command)
	if err != nil && ctx.Err() == nil && !errors.Is(err, placement.ErrStale) {
		t.c.deps.Logger.Warn().Err(err).Str("command", string(command.Kind)).Msg("leader task refused")
	}
	return result, err == nil
}
