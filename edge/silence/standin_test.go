package silence

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// quietNeighbour is one that is not heard, and what else there is to know of it.
type quietNeighbour struct {
	*StandIns
	life    ring.Life
	silent  atomic.Bool
	answers atomic.Bool
	shown   atomic.Pointer[wire.Placement] // what the edge goes by
	commit  atomic.Pointer[wire.Placement]
	changes atomic.Int64
}

func newSilence(state wire.EdgeState) *quietNeighbour {
	s := &quietNeighbour{life: ring.Life{Edge: "e2", Incarnation: 7}}
	p := &wire.Placement{Version: 3, Edges: []wire.Edge{{Name: "e1", State: wire.EdgeUp}, {Name: "e2", State: state, Incarnation: 7}}}
	s.commit.Store(p.Index())
	s.silent.Store(true)
	s.StandIns = &StandIns{
		Log: zerolog.Nop(), Now: time.Now, Base: s.commit.Load,
		Ping: func(context.Context, time.Duration, wire.Edge) error {
			if s.answers.Load() {
				return nil
			}
			return errors.New("connection refused")
		},
	}
	s.Changed = func() {
		s.changes.Add(1)
		s.shown.Store(ring.Overlay(s.commit.Load(), s.Lives(s.commit.Load())))
	}
	s.Changed()
	return s
}

// watched runs the watch in virtual time while f looks on.
func (s *quietNeighbour) watched(t *testing.T, f func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Watch(ctx, s.life, s.silent.Load)
	}()
	f()
	cancel()
	<-done
}

func (s *quietNeighbour) standsIn() bool {
	e, _ := s.shown.Load().Edge("e2")
	return e.State == wire.EdgeDown && len(s.List()) == 1
}

func TestWithoutAMajorityANeighbourStandsInAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSilence(wire.EdgeUp)
		s.watched(t, func() {
			time.Sleep(time.Second)
			if said := s.List(); !s.standsIn() || said[0].Edge != "e2" || said[0].Incarnation != 7 || time.Now().UnixMilli()-said[0].Since > 1000 {
				t.Fatalf("%+v", said)
			}
			s.answers.Store(true) // its cable is in again
			time.Sleep(1500 * time.Millisecond)
			if s.standsIn() {
				t.Error("it answers")
			}
			s.answers.Store(false)
			time.Sleep(1500 * time.Millisecond)
			if !s.standsIn() {
				t.Error("it does not answer any more")
			}
			s.Alive(s.life) // it is heard
			s.silent.Store(false)
			time.Sleep(1500 * time.Millisecond)
			if s.standsIn() {
				t.Error("it is heard")
			}
		})
	})
}

// Where there is a majority only the commit makes a death true, also when a cable
// between two edges is broken.
func TestWhereThereIsALeaderNobodyStandsInByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSilence(wire.EdgeUp)
		leads := true
		s.watched(t, func() {
			for range 40 {
				if leads {
					s.HeardOfLeader()
				}
				time.Sleep(250 * time.Millisecond)
				if s.standsIn() {
					t.Fatal("it stands in beside a leader")
				}
			}
			leads = false
			time.Sleep(2500 * time.Millisecond)
			if !s.standsIn() {
				t.Error("the leader has gone")
			}
		})
	})
}

func TestOneThatAnswersOrIsAnotherLifeIsNotStoodInFor(t *testing.T) {
	for what, change := range map[string]func(s *quietNeighbour){
		"it answers a ping":  func(s *quietNeighbour) { s.answers.Store(true) },
		"it is heard again":  func(s *quietNeighbour) { time.AfterFunc(200*time.Millisecond, func() { s.silent.Store(false) }) },
		"it is another life": func(s *quietNeighbour) { s.life.Incarnation = 6 },
		"it has gone":        func(s *quietNeighbour) { s.life.Edge = "e9" },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSilence(wire.EdgeUp)
			change(s)
			s.watched(t, func() {
				time.Sleep(5 * time.Second)
				if s.standsIn() || s.changes.Load() != 1 {
					t.Errorf("%s, and somebody stands in for it", what)
				}
			})
		})
	}
}

// The commit, whatever it says, is what counts from then on.
func TestACommitEndsTheStandingIn(t *testing.T) {
	for what, edge := range map[string]wire.Edge{
		"dead":         {Name: "e2", State: wire.EdgeDown, Incarnation: 7},
		"another life": {Name: "e2", State: wire.EdgeRecovering, Incarnation: 8},
		"removed":      {Name: "e3", State: wire.EdgeUp, Incarnation: 7},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSilence(wire.EdgeUp)
			s.watched(t, func() {
				time.Sleep(time.Second)
				if !s.standsIn() {
					t.Fatal("it does not stand in")
				}
				p := &wire.Placement{Version: 4, Edges: []wire.Edge{{Name: "e1", State: wire.EdgeUp}, edge}}
				s.commit.Store(p.Index())
				s.Changed()
				synctest.Wait()
				if len(s.List()) > 0 || s.shown.Load() != s.commit.Load() {
					t.Errorf("%s: %+v", what, s.List())
				}
				time.Sleep(5 * time.Second)
				if len(s.List()) > 0 {
					t.Errorf("%s, and it begins anew", what)
				}
			})
		})
	}
}
