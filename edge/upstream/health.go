package upstream

import (
	"sync"
	"time"
)

// A server that can't be reached, or hangs, is not asked first for a while; one
// that answers with errors only when it does so again and again.
const (
	softFailures = 3
	firstBackoff = time.Second
	mostBackoff  = 15 * time.Second
)

// state is what a server is held to be.
type state int

const (
	fine    state = iota
	ailing        // asked last
	probing       // the one request that finds out whether it is well again
)

// health is what is known of a server by its answers.
type health struct {
	mu      sync.Mutex
	soft    int           // failures in a row that may pass; guarded by mu
	until   time.Time     // not asked first before that; zero: fine; guarded by mu
	backoff time.Duration // guarded by mu
	refused bool          // by the active health check; guarded by mu
}

// take is the state for one request at now. Who gets probing is the only one for
// the next while.
func (h *health) take(now time.Time) state {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.refused:
		return ailing
	case h.until.IsZero():
		return fine
	case now.Before(h.until):
		return ailing
	}
	h.until = now.Add(h.backoff)
	return probing
}

// well tells whether it is asked first.
func (h *health) well() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.refused && h.until.IsZero()
}

// out tells whether it does not answer, as far as that is known at now: what failed, and
// was not asked since, may be well again.
func (h *health) out(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refused || !h.until.IsZero() && now.Before(h.until.Add(lately))
}

// succeed notes an answer. True: it was held to be down.
func (h *health) succeed() (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed = !h.until.IsZero()
	h.soft, h.until, h.backoff = 0, time.Time{}, 0
	return changed && !h.refused
}

// fail notes a failure. True: it is held to be down from now on.
func (h *health) fail(now time.Time, hard bool) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.soft++; !hard && h.soft < softFailures && h.until.IsZero() {
		return false
	}
	changed = h.until.IsZero() && !h.refused
	h.backoff = min(max(2*h.backoff, firstBackoff), mostBackoff)
	h.until = now.Add(h.backoff)
	return changed
}

// check notes what the active health check found. True: that is news.
func (h *health) check(good bool) (changed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	changed = h.refused == good
	h.refused = !good
	if good && !h.until.IsZero() {
		changed = true
		h.soft, h.until, h.backoff = 0, time.Time{}, 0
	}
	return changed
}
