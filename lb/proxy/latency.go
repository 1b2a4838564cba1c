package proxy

import (
	"sync"
	"time"
)

// What an edge is waited for.
type waitKind uint8

const (
	firstByte waitKind = iota // of an answer
	nextByte                  // of a body that the edge has
	growing                   // of a body that the edge is still getting itself
	waitKinds
)

// latencies is what each edge usually takes. A limit is twice that, within
// bounds: a far or busy edge is not called silent for being as it always is.
type latencies struct {
	cfg *Config

	mu    sync.Mutex
	usual map[string]*[waitKinds]time.Duration // guarded by mu; by edge
}

func newLatencies(cfg *Config) *latencies {
	return &latencies{cfg: cfg, usual: map[string]*[waitKinds]time.Duration{}}
}

// limit is how long an edge may be silent before another one is asked as well.
func (h *latencies) limit(edge string, p waitKind) time.Duration {
	least := h.cfg.Silence
	switch p {
	case firstByte:
		least = h.cfg.FirstByte
	case growing:
		least = 3 * h.cfg.Silence // the silence may be the origin's
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if usual := h.usual[edge]; usual != nil {
		least = max(least, 2*usual[p])
	}
	return min(least, h.cfg.MaxSilence)
}

// learn counts one silence that ended by itself. Patience is learnt at once
// and forgotten slowly: impatience costs load, patience only time.
func (h *latencies) learn(edge string, p waitKind, took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	usual := h.usual[edge]
	if usual == nil {
		usual = new([waitKinds]time.Duration)
		h.usual[edge] = usual
	}
	part := time.Duration(16)
	if took > usual[p] {
		part = 2
	}
	usual[p] += (took - usual[p]) / part
}

// forget drops what was learnt of an edge that died: it comes back another one.
func (h *latencies) forget(edge string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.usual, edge)
}
