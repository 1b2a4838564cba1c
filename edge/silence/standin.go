package silence

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

// StandIns are the neighbours for which this edge stands in: silent, without an
// answer to pings, and there was no majority of the balancers to commit their death.
// It delivers for them by that (ring.Overlay), and says so in its reports. The commit
// confirms it; a sign of life ends it. While there is a majority it never begins: a
// broken cable between two edges makes nobody dead.
type StandIns struct {
	Log     zerolog.Logger
	Now     func() time.Time
	Ping    func(ctx context.Context, limit time.Duration, e wire.Edge) error
	Base    func() *wire.Placement // as it was committed
	Changed func()                 // the lives are others now

	mu   sync.Mutex
	dead map[ring.Life]int64 // since when, in unix milliseconds; guarded by mu
	led  time.Time           // when a balancer has last said that there is a leader; guarded by mu
}

// HeardOfLeader notes that a balancer can have the placement changed.
func (s *StandIns) HeardOfLeader() {
	s.mu.Lock()
	s.led = s.Now()
	s.mu.Unlock()
}

// hasLeader tells whether somebody can commit a death.
func (s *StandIns) hasLeader() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Now().Sub(s.led) < ledFor
}

// Lives are those that are dead by this edge's own word, and not by a placement yet.
// What that one has confirmed, or overtaken, is forgotten.
func (s *StandIns) Lives(p *wire.Placement) []ring.Life {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lives []ring.Life
	for life := range s.dead {
		e, ok := p.Edge(life.Edge)
		if !ok || e.Incarnation != life.Incarnation || e.State == wire.EdgeDown {
			s.Log.Info().Str("edge", life.Edge).Uint64("version", p.Version).Msg("no longer standing in: the placement says what became of it")
			delete(s.dead, life)
			continue
		}
		lives = append(lives, life)
	}
	return lives
}

// List is what reports say.
func (s *StandIns) List() []wire.StandIn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []wire.StandIn
	for life, since := range s.dead {
		list = append(list, wire.StandIn{Edge: life.Edge, Incarnation: life.Incarnation, Since: since})
	}
	slices.SortFunc(list, func(a, b wire.StandIn) int { return int(a.Since - b.Since) })
	return list
}

func (s *StandIns) has(life ring.Life) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.dead[life]
	return ok
}

// Alive is a sign of life.
func (s *StandIns) Alive(life ring.Life) {
	s.mu.Lock()
	_, ok := s.dead[life]
	delete(s.dead, life)
	s.mu.Unlock()
	if ok {
		s.Log.Info().Str("edge", life.Edge).Msg("no longer standing in: it is alive")
		s.Changed()
	}
}

// Watch looks after one silent neighbour until it is heard, or another one by the
// placement, or ctx ends. It stands in for it as soon as it may.
func (s *StandIns) Watch(ctx context.Context, life ring.Life, silent func() bool) {
	for ctx.Err() == nil && s.committedAlive(life) && (silent() || s.has(life)) {
		switch answered := s.answers(ctx, life); {
		case answered:
			s.Alive(life)
			Wait(ctx, standInWait)
		case s.has(life):
			Wait(ctx, standInAgain)
		default:
			Wait(ctx, standInWait)
			if ctx.Err() == nil && silent() && !s.hasLeader() && s.committedAlive(life) {
				s.begin(life)
			}
		}
	}
}

// committedAlive tells whether this is still a life that the placement believes in.
func (s *StandIns) committedAlive(life ring.Life) bool {
	e, ok := s.Base().Edge(life.Edge)
	return ok && e.Incarnation == life.Incarnation && e.State != wire.EdgeDown
}

// answers tells whether the edge answers a ping, or a second one.
func (s *StandIns) answers(ctx context.Context, life ring.Life) bool {
	for range 2 {
		e, ok := s.Base().Edge(life.Edge)
		if !ok || ctx.Err() != nil {
			return false
		}
		if s.Ping(ctx, standInPing, e) == nil {
			return true
		}
		Wait(ctx, standInApart)
	}
	return false
}

func (s *StandIns) begin(life ring.Life) {
	s.mu.Lock()
	if s.dead == nil {
		s.dead = map[ring.Life]int64{}
	}
	s.dead[life] = s.Now().UnixMilli()
	s.mu.Unlock()
	s.Log.Warn().Str("edge", life.Edge).Msg("standing in: it is silent, does not answer, and the balancers have no majority to say so")
	s.Changed()
}

// Wait returns after d, or when ctx has ended.
func Wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
