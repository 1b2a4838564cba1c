package silence

import (
	"context"
	"sync"
	"time"
)

// mostWait bounds how long an edge waits for what others have, when it has left one
// balancer after the other and has it from none.
const mostWait = time.Minute

// Lag finds out that the balancer which an edge follows tells it less than others have:
// it hangs, is cut off from them, or is not theirs any more. The zero value is ready.
type Lag struct {
	mu      sync.Mutex
	version uint64        // that others have and this edge has not; guarded by mu, as all below
	since   time.Time     // when it was first told of
	wait    time.Duration // 0: the limit
	leave   context.CancelFunc
}

// Poll is the context of a poll that lasts so long at most, and ends when the balancer
// that is polled has lagged.
func (l *Lag) Poll(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leave = cancel
	return ctx, cancel
}

// Told notes which version of the placement a balancer has, beside the edge's own. When
// one has not come after limit, the poll ends, so that another balancer is asked; and
// when it does not come then, after twice as long.
func (l *Lag) Told(version, own uint64, now time.Time, limit time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if own >= l.version { // it has come, and versions go on
		l.version, l.since, l.wait = version, now, 0
		return
	}
	if now.Sub(l.since) < max(l.wait, limit) {
		return
	}
	l.since, l.wait = now, min(2*max(l.wait, limit), mostWait)
	if l.leave != nil {
		l.leave()
	}
}
