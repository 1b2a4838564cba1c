package stepback

import (
	"context"
	"sync"
	"time"

	"tandem/internal/media"
)

const (
	mostGiven = 50_000          // manifests that are remembered, some 200 bytes each
	longest   = 6 * time.Second // that a viewer waits, whatever the manifest says of itself
	soonest   = 250 * time.Millisecond
)

// Guard knows how far what sessions were given goes. The zero value knows nothing.
type Guard struct {
	mu    sync.Mutex
	given map[of]media.Reach // guarded by mu
}

// Session is a session's place in the table of its pair, whatever token the viewer shows.
type Session struct{ Pair, Slot int }

// of is one manifest of one session, in all its forms.
type of struct {
	Session
	family string
}

// Follow is the version that a session is given in place of the first one: that itself, or,
// where the session had a newer one, what the origin says when it is asked again, at most
// three times. Again returns nil where there is nothing better.
func (g *Guard) Follow(ctx context.Context, session Session, target string, first *media.Manifest, again func() *media.Manifest) {
	m := first
	for _, pause := range pauses(m.Interval()) {
		if !g.behind(session, target, m) || !sleep(ctx, pause) {
			break
		}
		next := again()
		if next == nil {
			break
		}
		m = next
	}
	g.note(session, target, m)
}

// pauses are how long is waited before each question.
func pauses(interval time.Duration) []time.Duration {
	half := min(max(interval, 2*soonest), longest) / 2
	return []time.Duration{0, half, half}
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// behind tells that the session had a newer version.
func (g *Guard) behind(session Session, target string, m *media.Manifest) bool {
	reach, live := m.Reach()
	if !live {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	had, ok := g.given[of{session, media.Family(target)}]
	return ok && had.Ahead(reach)
}

func (g *Guard) note(session Session, target string, m *media.Manifest) {
	reach, live := m.Reach()
	key := of{session, media.Family(target)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !live {
		delete(g.given, key)
		return
	}
	if g.given == nil {
		g.given = map[of]media.Reach{}
	}
	for other := range g.given {
		if len(g.given) < mostGiven {
			break
		}
		delete(g.given, other) // any will do: one list may go back then
	}
	g.given[key] = reach
}
