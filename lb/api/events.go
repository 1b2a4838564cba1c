package api

import (
	"slices"
	"sync"
	"time"

	"tandem/internal/wire"
)

// Bounds of the events.
const (
	keepEvents      = 500 // of this balancer's own, as many as the placement keeps of its
	subscriberQueue = 256 // events; who is further behind is cut off
	localRate       = 50  // own events a second; what is more is counted in the metrics only
)

// Events keeps this balancer's own events and gives all events to those who watch.
type Events struct {
	mu      sync.Mutex
	local   []wire.Event             // oldest first; guarded by mu
	watches map[chan wire.Event]bool // guarded by mu
	second  int64                    // guarded by mu
	told    int                      // own events in that second; guarded by mu
	quiet   map[string]time.Time     // reason of a refusal -> when it was told last; guarded by mu
	now     func() time.Time
}

// NewEvents has none.
func NewEvents(now func() time.Time) *Events {
	return &Events{watches: map[chan wire.Event]bool{}, quiet: map[string]time.Time{}, now: now}
}

// Own notes an event that only this balancer knows of.
func (h *Events) Own(e wire.Event) {
	e.Time = h.now().UnixMilli()
	h.mu.Lock()
	defer h.mu.Unlock()
	if second := e.Time / 1000; second != h.second {
		h.second, h.told = second, 0
	}
	if h.told++; h.told > localRate {
		return
	}
	h.keep(e)
	h.send(e)
}

// Refused notes a refusal, each reason at most once a second.
func (h *Events) Refused(e wire.Event, reason string) {
	now := h.now()
	h.mu.Lock()
	again := now.Sub(h.quiet[reason]) < time.Second
	if !again {
		h.quiet[reason] = now
	}
	h.mu.Unlock()
	if !again {
		h.Own(e)
	}
}

// placed passes an event of the placement on. Its history is the placement's
// own, except for changes of the leader, which are in nobody's.
func (h *Events) placed(e wire.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.Kind == "leader" {
		h.keep(e)
	}
	h.send(e)
}

// keep needs mu.
func (h *Events) keep(e wire.Event) {
	if len(h.local) >= 2*keepEvents {
		h.local = append(h.local[:0], h.local[len(h.local)-keepEvents:]...)
	}
	h.local = append(h.local, e)
}

// send needs mu. Nobody is waited for.
func (h *Events) send(e wire.Event) {
	for ch := range h.watches {
		select {
		case ch <- e:
		default:
			delete(h.watches, ch)
			close(ch)
		}
	}
}

// watch delivers every event from now on; the channel is closed for one who
// reads too slowly.
func (h *Events) watch() (events <-chan wire.Event, cancel func()) {
	ch := make(chan wire.Event, subscriberQueue)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watches[ch] = true
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.watches[ch] {
			delete(h.watches, ch)
			close(ch)
		}
	}
}

// watching counts those who watch.
func (h *Events) watching() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watches)
}

// history is the placement's events and this balancer's own, newest first.
func (h *Events) history(placed []wire.Event, limit int) []wire.Event {
	h.mu.Lock()
	all := append(make([]wire.Event, 0, len(placed)+len(h.local)), placed...)
	all = append(all, h.local...)
	h.mu.Unlock()
	slices.SortStableFunc(all, func(a, b wire.Event) int {
		switch {
		case a.Time != b.Time:
			return int(min(max(b.Time-a.Time, -1), 1))
		case a.Version < b.Version:
			return 1
		case a.Version > b.Version:
			return -1
		default:
			return 0
		}
	})
	return all[:min(limit, len(all))]
}
