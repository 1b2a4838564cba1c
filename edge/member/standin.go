package member

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// Limits of standing in without a majority of the balancers.
const (
	standInPing  = 300 * time.Millisecond // longest wait for a silent neighbour's answer
	standInApart = 50 * time.Millisecond  // between two pings
	standInWait  = 300 * time.Millisecond // so long a commit is waited for, once the pings have failed
	standInAgain = time.Second            // how often it is asked whether it is back
	ledFor       = time.Second            // so long it is believed that a balancer has a leader
)

// standIns are the neighbours for which this edge stands in: silent, without an
// answer to pings, and there was no majority of the balancers to commit their death.
// It delivers for them by that (ring.Overlay), and says so in its reports. The commit
// confirms it; a sign of life ends it. While there is a majority it never begins: a
// broken cable between two edges makes nobody dead.
type standIns struct {
	log     zerolog.Logger
	now     func() time.Time
	ping    func(ctx context.Context, e wire.Edge) error
	base    func() *wire.Placement // as it was committed
	changed func()                 // the lives are others now

	mu   sync.Mutex
	dead map[ring.Life]int64 // since when, in unix milliseconds; guarded by mu
	led  time.Time           // when a balancer has last said that there is a leader; guarded by mu
}

// heardOfLeader notes that a balancer can have the placement changed.
func (s *standIns) heardOfLeader() {
	s.mu.Lock()
	s.led = s.now()
	s.mu.Unlock()
}

// hasLeader tells whether somebody can commit a death.
func (s *standIns) hasLeader() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now().Sub(s.led) < ledFor
}

// lives are those that are dead by this edge's own word, and not by a placement yet.
// What that one has confirmed, or overtaken, is forgotten.
func (s *standIns) lives(p *wire.Placement) []ring.Life {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lives []ring.Life
	for life := range s.dead {
		e, ok := p.Edge(life.Edge)
		if !ok || e.Incarnation != life.Incarnation || e.State == wire.EdgeDown {
			s.log.Info().Str("edge", life.Edge).Uint64("version", p.Version).Msg("no longer standing in: the placement says what became of it")
			delete(s.dead, life)
			continue
		}
		lives = append(lives, life)
	}
	return lives
}

// list is what reports say.
func (s *standIns) list() []wire.StandIn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []wire.StandIn
	for life, since := range s.dead {
		list = append(list, wire.StandIn{Edge: life.Edge, Incarnation: life.Incarnation, Since: since})
	}
	slices.SortFunc(list, func(a, b wire.StandIn) int { return int(a.Since - b.Since) })
	return list
}

func (s *standIns) has(life ring.Life) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.dead[life]
	return ok
}

// alive is a sign of life.
func (s *standIns) alive(life ring.Life) {
	s.mu.Lock()
	_, ok := s.dead[life]
	delete(s.dead, life)
	s.mu.Unlock()
	if ok {
		s.log.Info().Str("edge", life.Edge).Msg("no longer standing in: it is alive")
		s.changed()
	}
}

// watch looks after one silent neighbour until it is heard, or another one by the
// placement, or ctx ends. It stands in for it as soon as it may.
func (s *standIns) watch(ctx context.Context, life ring.Life, silent func() bool) {
	for ctx.Err() == nil && s.committedAlive(life) && (silent() || s.has(life)) {
		switch answered := s.answers(ctx, life); {
		case answered:
			s.alive(life)
			wait(ctx, standInWait)
		case s.has(life):
			wait(ctx, standInAgain)
		default:
			wait(ctx, standInWait)
			if ctx.Err() == nil && silent() && !s.hasLeader() && s.committedAlive(life) {
				s.begin(life)
			}
		}
	}
}

// committedAlive tells whether this is still a life that the placement believes in.
func (s *standIns) committedAlive(life ring.Life) bool {
	e, ok := s.base().Edge(life.Edge)
	return ok && e.Incarnation == life.Incarnation && e.State != wire.EdgeDown
}

// answers tells whether the edge answers a ping, or a second one.
func (s *standIns) answers(ctx context.Context, life ring.Life) bool {
	for range 2 {
		e, ok := s.base().Edge(life.Edge)
		if !ok || ctx.Err() != nil {
			return false
		}
		if s.ping(ctx, e) == nil {
			return true
		}
		wait(ctx, standInApart)
	}
	return false
}

func (s *standIns) begin(life ring.Life) {
	s.mu.Lock()
	s.dead[life] = s.now().UnixMilli()
	s.mu.Unlock()
	s.log.Warn().Str("edge", life.Edge).Msg("standing in: it is silent, does not answer, and the balancers have no majority to say so")
	s.changed()
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// standIn looks after every neighbour that falls silent, each in a child of its own.
func (m *Member) standIn(ctx context.Context) error {
	limit := time.Duration(m.cfg.SilentFor) * m.cfg.NoticeEvery
	ticker := time.NewTicker(m.cfg.NoticeEvery)
	defer ticker.Stop()
	var watched sync.Map
	var under sync.WaitGroup
	defer under.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for _, name := range m.silence.Quiet(m.now(), limit) {
			e, ok := m.base.Load().Edge(name)
			if !ok {
				continue
			}
			life := ring.Life{Edge: name, Incarnation: e.Incarnation}
			if _, taken := watched.LoadOrStore(life, true); taken {
				continue
			}
			under.Go(func() {
				defer watched.Delete(life)
				m.standIns.watch(ctx, life, func() bool { return slices.Contains(m.silence.Quiet(m.now(), limit), name) })
			})
		}
	}
}
