package control

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/edges"
	"tandem/lb/loads"
	"tandem/lb/proposals"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

// Limits of checks.
const (
	suspectedFor = time.Second            // longest that a suspicion alone leads requests to the partner
	lookEvery    = 100 * time.Millisecond // for missing reports
	pingApart    = 50 * time.Millisecond  // between the two pings of a check
	checkApart   = 200 * time.Millisecond // between two checks of an edge
	pingRounds   = 3                      // when there are signs of life besides
	doubtFor     = 5 * time.Second        // longest that a death is doubted after which viewers find no room
)

// suspicion is why an edge is being checked.
type suspicion struct {
	edge        string
	incarnation uint64
	by          string
	cause       string
	noticed     time.Time
}

// HealthChecks finds out which suspicions are deaths. A suspicion, whoever has it,
// only makes this balancer ask the edge itself, on a new connection.
type HealthChecks struct {
	node      *raftfsm.Node
	proposals *proposals.Proposals
	loads     *loads.Loads
	asking    *edges.Asking
	call      *call.Client
	name      string
	log       zerolog.Logger
	now       func() time.Time
	ping      time.Duration
	silent    time.Duration
	event     func(wire.Event)
	asked     chan suspicion

	mu      sync.Mutex
	checked map[string]*checkState  // by edge; guarded by mu
	seen    map[ring.Life]time.Time // since when an edge should report; guarded by mu
}

// checkState is an edge's latest check.
type checkState struct {
	running bool
	began   time.Time
	ended   time.Time
	until   time.Time // it counts as suspected until then
}

// Failed is called where a request has failed. It never waits.
func (s *HealthChecks) Failed(edge, cause string) {
	if e, ok := s.node.Placement().Edge(edge); ok {
		s.suspect(suspicion{edge: edge, incarnation: e.Incarnation, by: s.name, cause: cause, noticed: s.now()})
	}
}

// suspect notes a suspicion and has it checked, unless that is being done.
func (s *HealthChecks) suspect(x suspicion) {
	e, ok := s.node.Placement().Edge(x.edge)
	if !ok || e.State == wire.EdgeDown || e.Incarnation != x.incarnation {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	c := s.checked[x.edge]
	if c == nil {
		c = &checkState{}
		s.checked[x.edge] = c
	}
	if c.running || now.Sub(c.ended) < checkApart {
		return
	}
	select {
	case s.asked <- x:
		c.running, c.began, c.until = true, now, now.Add(suspectedFor)
	default: // more suspicions than edges: the next failure asks again
	}
}

// Suspected tells whether an edge is better asked second now.
func (s *HealthChecks) Suspected(edge string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.checked[edge]
	return c != nil && s.now().Before(c.until)
}

// run starts the checks, and looks for missing reports, until ctx ends.
func (s *HealthChecks) run(ctx context.Context) error {
	var under sync.WaitGroup
	defer under.Wait()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last := s.now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case x := <-s.asked:
			under.Go(func() { s.check(ctx, x) })
		case <-tick.C:
			now := s.now()
			// A balancer that was stopped itself has missed everybody's reports: it
			// listens for a while before it accuses anybody.
			if now.Sub(last) > s.silent/2 {
				s.listenAnew(now)
			}
			last = now
			s.look(now)
		}
	}
}

// listenAnew begins the silence of every edge now.
func (s *HealthChecks) listenAnew(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for life := range s.seen {
		s.seen[life] = now
	}
}

// look checks the edges whose reports are missing.
func (s *HealthChecks) look(now time.Time) {
	p := s.node.Placement()
	present := map[ring.Life]bool{}
	for _, e := range p.Edges {
		life := ring.Life{Edge: e.Name, Incarnation: e.Incarnation}
		if e.State == wire.EdgeDown {
			continue
		}
		present[life] = true
		s.mu.Lock()
		since, known := s.seen[life]
		if !known {
			since = now
			s.seen[life] = now
		}
		s.mu.Unlock()
		if _, at, ok := s.loads.Last(e); ok && at.After(since) {
			since = at
		}
		if now.Sub(since) > s.silent {
			s.suspect(suspicion{edge: e.Name, incarnation: e.Incarnation, by: s.name, cause: "silent", noticed: since.Add(s.silent)})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for life := range s.seen {
		if !present[life] {
			delete(s.seen, life)
		}
	}
}

// check asks the edge and proposes its death when it does not answer.
func (s *HealthChecks) check(ctx context.Context, x suspicion) {
	s.mu.Lock()
	c := s.checked[x.edge]
	s.mu.Unlock()
	alive, proved := s.isUp(ctx, x)
	for !alive && !proved && s.doubts(ctx, x) && ctx.Err() == nil {
		s.mu.Lock()
		c.until = s.now().Add(suspectedFor)
		s.mu.Unlock()
		alive, proved = s.isUp(ctx, x)
	}
	s.mu.Lock()
	if alive {
		c.until = time.Time{}
	}
	s.mu.Unlock()
	if !alive && ctx.Err() == nil {
		s.markDown(ctx, x)
	}
	s.mu.Lock()
	c.running, c.ended = false, s.now()
	s.mu.Unlock()
}

// markDown makes a death true.
func (s *HealthChecks) markDown(ctx context.Context, x suspicion) {
	p := s.node.Placement()
	e, ok := p.Edge(x.edge)
	if !ok || e.Incarnation != x.incarnation || e.State == wire.EdgeDown {
		return // another balancer was quicker
	}
	s.event(wire.Event{Kind: "suspect", Edge: x.edge, Text: x.edge + " does not answer " + s.name + "'s pings (" + x.cause + ", noticed by " + x.by + ")."})
	ctx, cancel := context.WithTimeout(ctx, downLimit)
	defer cancel()
	tables, _ := s.asking.Tables(ctx, p, x.edge)
	var under sync.WaitGroup
	defer under.Wait()
	under.Go(func() { s.asking.ForetellState(ctx, p, x.edge, wire.EdgeDown) }) // nobody waits for it
	_, err := s.proposals.Propose(ctx, placement.Command{
		Kind: placement.EdgeDown, Name: x.edge, Incarnation: x.incarnation, Cause: x.cause, By: x.by,
		Noticed: x.noticed.UnixMilli(), Loads: tables,
	})
	if err != nil && !errors.Is(err, placement.ErrStale) && ctx.Err() == nil {
		s.log.Warn().Err(err).Str("edge", x.edge).Msg("a death could not be made known; trying again")
	}
}

// doubts tells whether silence is not yet believed. Meanwhile the partner is asked first,
// and has what comes next, so that a viewer loses nothing by it; by a death that the rest
// has no room for, some lose their place. Where a machine or a switch stands still for a
// moment all edges are silent at once, and each further death costs more. What it costs is
// not known while an edge that is not suspected itself has not told its load.
func (s *HealthChecks) doubts(ctx context.Context, x suspicion) bool {
	if s.now().Sub(x.noticed) >= doubtFor {
		return false
	}
	p := s.node.Placement()
	tables, silent := s.asking.Tables(ctx, p, x.edge)
	return slices.ContainsFunc(silent, func(name string) bool { return !s.Suspected(name) }) || ring.DeathCosts(p, x.edge, tables) > 0
}

// isUp pings until it knows. Signs of life besides the ping (a report that came
// meanwhile), and a balancer that got no processor itself, make it ask again. A death is
// proved where something comes back, and not silence: nobody listens any more, another life
// or one without a good certificate answers.
func (s *HealthChecks) isUp(ctx context.Context, x suspicion) (alive, proved bool) {
	for range pingRounds {
		e, ok := s.node.Placement().Edge(x.edge)
		if !ok || e.Incarnation != x.incarnation {
			return true, false // not this life's concern any more
		}
		began := s.now()
		err := s.call.PingTwice(ctx, s.ping, pingApart, e)
		if err == nil || ctx.Err() != nil {
			return true, false
		}
		starved := s.now().Sub(began) > 2*s.ping+pingApart
		_, at, ok := s.loads.Last(e)
		proved = !errors.Is(err, context.DeadlineExceeded)
		if !starved && !(ok && at.After(began)) {
			return false, proved
		}
	}
	return false, proved
}
