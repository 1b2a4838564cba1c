package loads

import (
	"context"
	"slices"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// A planned takeover is told before it is made: edges hear in the answers to their
// reports who is about to give sessions to others, and those that will have them make
// ready what comes next in them (claims 17, 23).
const (
	foretold = 500 * time.Millisecond // before it is made: two reports, and time to read
	givesFor = 5 * time.Second        // so long it is told
)

// giving are the edges that are about to give sessions to others.
type giving struct {
	names []string
	until time.Time
}

// Foretell has edges told of those that will give sessions to others when an edge gets
// another state (ring.Givers), and waits until they have heard and read, or ctx ends.
// Where nobody gives any it returns at once.
func (l *Loads) Foretell(ctx context.Context, p *wire.Placement, edge string, state wire.EdgeState, now time.Time) {
	names := slices.DeleteFunc(ring.Givers(p, edge, l.Tables(p, now), state), func(name string) bool {
		e, _ := p.Edge(name)
		return l.Delivering(e) == 0
	})
	if len(names) == 0 {
		return
	}
	l.mu.Lock()
	l.giving = giving{names, now.Add(givesFor)}
	l.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-time.After(foretold):
	}
}

// Giving are the edges that are about to give sessions to others.
func (l *Loads) Giving(now time.Time) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.After(l.until) {
		return nil
	}
	return l.names
}
