package lb

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm"
)

// Intervals of the chores.
const (
	choreEvery   = 100 * time.Millisecond
	settleApart  = time.Second      // between two settlings, which need new reports to tell more
	settleFutile = 30 * time.Second // after one that changed nothing
	tellApart    = time.Second      // between two attempts to make this balancer known
)

// heirs remembers which edges have said that they hold what a version asks of
// them. Edges tell every balancer, and go on while somebody waits for it.
type heirs struct {
	mu   sync.Mutex
	told map[edgeLife]uint64 // guarded by mu; the placement's version
}

func newHeirs() *heirs { return &heirs{told: map[edgeLife]uint64{}} }

func (h *heirs) ready(r wire.Ready) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.told) > 4*raftfsm.MaxEdges {
		clear(h.told)
	}
	life := edgeLife{r.Edge, r.Incarnation}
	h.told[life] = max(h.told[life], r.Version)
}

// version is the oldest one that all of these hold; 0: somebody has said nothing.
func (h *heirs) version(p *wire.Placement, names []string) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	oldest := uint64(0)
	for _, name := range names {
		e, _ := p.Edge(name)
		told := h.told[edgeLife{name, e.Incarnation}]
		if told == 0 {
			return 0
		}
		if oldest == 0 || told < oldest {
			oldest = told
		}
	}
	return oldest
}

// choreTimes is when what was done last; owned by chores.
type choreTimes struct {
	told, settled, futile time.Time
	down                  map[edgeLife]time.Time // since when
	joined                bool
}

// chores keeps this balancer in the placement and, while it leads, does for the
// ring what nobody else proposes.
func (l *LB) chores(ctx context.Context) error {
	times := choreTimes{down: map[edgeLife]time.Time{}, joined: l.cfg.Join == ""}
	tick := time.NewTicker(choreEvery)
	defer tick.Stop()
	for {
		if !times.joined && l.now().Sub(times.told) > tellApart {
			times.told = l.now()
			times.joined = l.joinCluster(ctx)
		}
		if times.joined {
			l.makeKnown(ctx, &times)
		}
		l.noteDown(&times)
		if l.node.IsLeader() {
			l.letLeave(ctx)
			l.settleRing(ctx, &times)
			l.removeDead(ctx, &times)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// joinCluster asks to become one more balancer of a running cluster, following
// those who say who leads.
func (l *LB) joinCluster(ctx context.Context) bool {
	at := l.cfg.Join
	for range 3 {
		attempt, cancel := context.WithTimeout(ctx, orderLimit)
		err := l.call.Ask(attempt, http.MethodPost, at+wire.PathJoin, l.self, nil)
		cancel()
		if err == nil {
			l.log.Info().Str("at", at).Msg("joined the cluster")
			return true
		}
		leader, ok := leaderOf(err)
		if !ok || leader.HTTP == at {
			if ctx.Err() == nil {
				l.log.Warn().Err(err).Str("at", at).Msg("the cluster can't be joined yet; trying again")
			}
			return false
		}
		at = leader.HTTP
	}
	return false
}

// makeKnown proposes this balancer's addresses when the placement does not show
// them. The first leader of a new cluster sets the admission first.
func (l *LB) makeKnown(ctx context.Context, times *choreTimes) {
	p := l.node.Placement()
	for _, b := range p.Balancers {
		if b == l.self {
			return
		}
	}
	if _, ok := l.node.Leader(); !ok || l.now().Sub(times.told) < tellApart && !times.told.IsZero() {
		return
	}
	times.told = l.now()
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	if l.node.IsLeader() && len(p.Streams) == 0 && !knows(p, l.cfg.Name) && p.Admission != l.cfg.Admission {
		if _, err := l.proposals.propose(ctx, raftfsm.Command{Kind: raftfsm.Configure, Admission: l.cfg.Admission}); err != nil {
			l.log.Warn().Err(err).Msg("the admission could not be set; trying again")
			return
		}
	}
	if _, err := l.proposals.propose(ctx, raftfsm.Command{Kind: raftfsm.Balancer, Balancer: &l.self}); err != nil && ctx.Err() == nil {
		l.log.Warn().Err(err).Msg("this balancer could not be made known; trying again")
	}
}

func knows(p *wire.Placement, name string) bool {
	for _, b := range p.Balancers {
		if b.Name == name {
			return true
		}
	}
	return false
}

// letLeave lets a leaving edge go when its heirs have copied.
func (l *LB) letLeave(ctx context.Context) {
	p := l.node.Placement()
	for _, e := range p.Edges {
		if e.State != wire.EdgeLeaving {
			continue
		}
		version := p.Version
		if heirs := ring.Heirs(p, e.Name); len(heirs) > 0 {
			version = l.heirs.version(p, heirs)
		}
		if version < e.Since {
			continue
		}
		l.chore(ctx, raftfsm.Command{Kind: raftfsm.Left, Name: e.Name, Version: version, Loads: l.loads.tables(p, l.now())})
		return // the ring is another one now
	}
}

// settleRing settles the boundaries anew when an edge is above its capacity, and
// ends retiring pairs that are empty.
func (l *LB) settleRing(ctx context.Context, times *choreTimes) {
	now := l.now()
	if now.Sub(times.settled) < settleApart || now.Sub(times.futile) < settleFutile {
		return
	}
	p := l.node.Placement()
	cause := ""
	if above := l.loads.above(p); len(above) > 0 {
		cause = above[0] + " is above its capacity"
	} else if !l.retired(p) {
		return
	}
	times.settled = now
	if result, ok := l.chore(ctx, raftfsm.Command{Kind: raftfsm.Settle, Cause: cause, Loads: l.loads.tables(p, now)}); ok && !result.Changed {
		times.futile = now
	}
}

// retired tells whether a retiring pair is empty in all its members' reports.
func (l *LB) retired(p *wire.Placement) bool {
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if q.Retiring && l.empty(p, q) {
			return true
		}
	}
	return false
}

func (l *LB) empty(p *wire.Placement, q *wire.Pair) bool {
	for _, name := range []string{q.Low, q.High} {
		e, ok := p.Edge(name)
		if !ok || e.State == wire.EdgeDown {
			continue
		}
		report, _, ok := l.loads.last(e)
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
func (l *LB) noteDown(times *choreTimes) {
	now := l.now()
	present := map[edgeLife]bool{}
	for _, e := range l.node.Placement().Edges {
		if e.State != wire.EdgeDown {
			continue
		}
		life := edgeLife{e.Name, e.Incarnation}
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
func (l *LB) removeDead(ctx context.Context, times *choreTimes) {
	if l.cfg.DeadAfter == 0 {
		return
	}
	now := l.now()
	for life, since := range times.down {
		if now.Sub(since) < l.cfg.DeadAfter {
			continue
		}
		times.down[life] = now // refused, for the last edge: not at every tick
		cause := "down for " + l.cfg.DeadAfter.String()
		l.chore(ctx, raftfsm.Command{Kind: raftfsm.Remove, Name: life.edge, Cause: cause, Loads: l.loads.tables(l.node.Placement(), now)})
	}
}

// chore proposes; what fails is done at a later tick.
func (l *LB) chore(ctx context.Context, c raftfsm.Command) (raftfsm.Result, bool) {
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	result, err := l.proposals.propose(ctx, c)
	if err != nil && ctx.Err() == nil && !errors.Is(err, raftfsm.ErrStale) {
		l.log.Warn().Err(err).Str("command", string(c.Kind)).Msg("a chore was refused")
	}
	return result, err == nil
}
