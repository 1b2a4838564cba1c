package silence

import (
	"sync"
	"time"
)

// Kind is what an edge is waited for.
type Kind uint8

const (
	FirstByte Kind = iota // of an answer
	NextByte              // of a body that the edge has
	Growing               // of a body that the edge is still getting itself
	kinds
)

// Usual is what each edge usually takes. A limit is twice that, within
// bounds: a far or busy edge is not called silent for being as it always is.
type Usual struct {
	limits Limits

	mu    sync.Mutex
	usual map[string]*[kinds]time.Duration // guarded by mu; by edge
}

// NewUsual knows nothing yet.
func NewUsual(limits Limits) *Usual {
	return &Usual{limits: limits, usual: map[string]*[kinds]time.Duration{}}
}

// Limit is how long an edge may be silent before another one is asked as well.
func (u *Usual) Limit(edge string, k Kind) time.Duration {
	least := u.limits.Silence
	switch k {
	case FirstByte:
		least = u.limits.FirstByte
	case Growing:
		least = 3 * u.limits.Silence // the silence may be the origin's
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if usual := u.usual[edge]; usual != nil {
		least = max(least, 2*usual[k])
	}
	return min(least, u.limits.Most)
}

// Learn counts one silence that ended by itself. A longer limit is learnt at once and
// forgotten slowly: one that is too short costs load, one that is too long only time.
func (u *Usual) Learn(edge string, k Kind, took time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	usual := u.usual[edge]
	if usual == nil {
		usual = new([kinds]time.Duration)
		u.usual[edge] = usual
	}
	part := time.Duration(16)
	if took > usual[k] {
		part = 2
	}
	usual[k] += (took - usual[k]) / part
}

// Forget drops what was learnt of an edge that died: it comes back another one.
func (u *Usual) Forget(edge string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.usual, edge)
}
