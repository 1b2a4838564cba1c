package systest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"tandem/internal/wire"
)

// interval is how often edges tell their neighbours of positions; the demo leaves it
// at its default.
const interval = 200 * time.Millisecond

// held is what viewers know of their sessions by themselves: the token by which each
// asks, and the segments that it has got.
type held struct {
	mu      sync.Mutex
	viewers []holder                 // guarded by mu, as all below
	opened  map[wire.SessionID]int64 // when each session was opened, as it was told first
	deaths  []time.Time              // moments in which what one interval holds may be lost
}

type holder struct {
	id       wire.SessionID
	segments []got
}

// got is a segment that a viewer has in full.
type got struct {
	path string
	at   time.Time
}

func newHeld(viewers int) *held {
	return &held{viewers: make([]holder, viewers), opened: map[wire.SessionID]int64{}}
}

// got notes a segment by the path under which it was asked for.
func (h *held) got(viewer int, path string) {
	sealed, target, ok := wire.SplitPath(path)
	token, fine := wire.PeekToken(sealed)
	if !ok || !fine {
		return // the viewer is then found to hold nothing
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	v := &h.viewers[viewer]
	v.id = token.SessionID
	v.segments = append(v.segments, got{target, time.Now()})
}

// openedAt notes when sessions were opened.
func (h *held) openedAt(all map[wire.SessionID]int64) {
	h.mu.Lock()
	maps.Copy(h.opened, all)
	h.mu.Unlock()
}

// death notes that an edge is taken away without a word.
func (h *held) death() {
	h.mu.Lock()
	h.deaths = append(h.deaths, time.Now())
	h.mu.Unlock()
}

// differs is nil when the sessions that the cluster told when it was asked are those
// that the viewers hold: the same, opened when they were, each in one place, and none
// further behind than one interval.
func (h *held) differs(told []wire.SessionInfo, asked time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var wrong []error
	sessions := map[wire.SessionID]wire.SessionInfo{}
	for _, s := range told {
		if twice, ok := sessions[s.SessionID]; ok {
			wrong = append(wrong, fmt.Errorf("%v is delivered by %s and %s", s.SessionID, twice.Edge, s.Edge))
		}
		sessions[s.SessionID] = s
	}
	for i := range h.viewers {
		v := &h.viewers[i]
		s, ok := sessions[v.id]
		if !ok {
			wrong = append(wrong, fmt.Errorf("viewer %d holds %v, which is nowhere", i, v.id))
			continue
		}
		delete(sessions, v.id)
		first, known := h.opened[v.id]
		if !known {
			h.opened[v.id] = s.Opened
		} else if first != s.Opened {
			wrong = append(wrong, fmt.Errorf("%v was opened at %d, and now at %d", v.id, first, s.Opened))
		}
		if err := h.behind(v, s.Path, asked); err != nil {
			wrong = append(wrong, fmt.Errorf("viewer %d, %v at %s: %w", i, v.id, s.Edge, err))
		}
	}
	for id, s := range sessions {
		wrong = append(wrong, fmt.Errorf("%s delivers %v, and no viewer holds it", s.Edge, id))
	}
	return errors.Join(wrong...)
}

// behind is an error when a position is older than one interval. The caller holds mu.
func (h *held) behind(v *holder, path string, asked time.Time) error {
	for i := len(v.segments) - 1; i >= 0; i-- {
		g := v.segments[i]
		if g.path == path {
			return nil
		}
		if g.at.Before(asked.Add(-interval)) && !h.untold(g.at) {
			return fmt.Errorf("it is told to be at %q; %q was there %s before", path, g.path, asked.Sub(g.at).Round(time.Millisecond))
		}
	}
	return nil // the player is not told of a segment before the edge is done with it
}

// untold: an edge that died may not have told of it any more. The caller holds mu.
func (h *held) untold(at time.Time) bool {
	for _, d := range h.deaths {
		if at.After(d.Add(-interval)) && at.Before(d.Add(interval)) {
			return true
		}
	}
	return false
}

// asHeld asks for the sessions until they are those that the viewers hold, and tells
// how long that took, 0: they were at once.
func (c *alone) asHeld(limit time.Duration) (time.Duration, error) {
	began := time.Now()
	for tries := 0; ; tries++ {
		asked := time.Now()
		var list wire.SessionList
		err := c.a.h.API("/api/v1/sessions?limit=1000", &list)
		if err == nil {
			err = c.held.differs(list.Sessions, asked)
		}
		if err == nil && tries == 0 {
			return 0, nil
		}
		if took := time.Since(began); err == nil || took > limit {
			return took, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// looks is what came of comparing at random moments.
type looks struct {
	c       *alone
	stop    context.CancelFunc
	ended   chan struct{}
	random  *rand.Rand    // owned by run, as all below until it has ended
	moments int           // compared
	waited  int           // in which they were not equal at once
	longest time.Duration // until they were
}

// settles is how long, after a fault, sessions and viewers may differ: a death is found
// and committed, and every viewer that the dead edge had has asked once more.
const settles = 10 * time.Second

// lookNowAndThen compares sessions with what viewers hold, at random moments.
func lookNowAndThen(c *alone, seed uint64) *looks {
	ctx, stop := context.WithCancel(context.Background())
	l := &looks{c: c, stop: stop, ended: make(chan struct{}), random: rand.New(rand.NewPCG(seed, 2))}
	go l.run(ctx)
	c.a.t.Cleanup(func() { stop(); <-l.ended })
	return l
}

func (l *looks) run(ctx context.Context) {
	defer close(l.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(l.random.Int64N(int64(400 * time.Millisecond)))):
		}
		took, err := l.c.asHeld(settles)
		l.moments++
		if took > 0 {
			l.waited++
		}
		l.longest = max(l.longest, took)
		if err != nil {
			l.c.a.t.Errorf("sessions differ from what viewers hold: %v", err)
			return
		}
	}
}

// end returns what was found, and wants so many moments.
func (l *looks) end(least int) string {
	l.stop()
	<-l.ended
	if l.moments < least && !l.c.a.t.Failed() {
		l.c.a.t.Errorf("%d moments compared, want %d", l.moments, least)
	}
	return fmt.Sprintf("at %d moments, at %d of them not at once; the longest took %s", l.moments, l.waited, l.longest.Round(time.Millisecond))
}
