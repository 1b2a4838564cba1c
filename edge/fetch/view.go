package fetch

import (
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/wire"
)

// backoffFor is how long a neighbour that was silent is not asked again: a fill
// must not wait anew for somebody who hangs, until the placement says so.
const backoffFor = 2 * time.Second

// View is the cluster as this edge sees it: the newest placement, and the
// neighbours that are not asked for a while.
type View struct {
	name      string
	now       func() time.Time
	placement atomic.Pointer[wire.Placement] // never nil; what it points to never changes

	mu  sync.Mutex
	off map[string]backoff // by neighbour; guarded by mu
}

// backoff is until when a life of a neighbour is left alone.
type backoff struct {
	incarnation uint64
	until       time.Time
}

// NewView is the view of the edge of that name: an empty placement.
func NewView(name string, now func() time.Time) *View {
	v := &View{name: name, now: now, off: map[string]backoff{}}
	v.placement.Store(new(wire.Placement).Index())
	return v
}

// Placement is the newest placement that this edge has seen. Never changed.
func (v *View) Placement() *wire.Placement { return v.placement.Load() }

// Swap makes a placement the newest one and returns the one before.
func (v *View) Swap(p *wire.Placement) *wire.Placement { return v.placement.Swap(p) }

// BackOff leaves a neighbour that was silent alone for a while, in this life of it: one that
// comes back is asked, and told, at once.
func (v *View) BackOff(peer string) {
	e, _ := v.Placement().Edge(peer)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.off[peer] = backoff{e.Incarnation, v.now().Add(backoffFor)}
}

// BacksOff tells whether a neighbour is left alone now.
func (v *View) BacksOff(peer string) bool {
	e, _ := v.Placement().Edge(peer)
	v.mu.Lock()
	defer v.mu.Unlock()
	off := v.off[peer]
	return off.incarnation == e.Incarnation && v.now().Before(off.until)
}

// PairOf is the pair by which a request without a session is filled: the
// stream's first pair of which this edge is a member, else its first one.
func (v *View) PairOf(path string) wire.PairID {
	p := v.Placement()
	stream, ok := p.StreamOf(path)
	if !ok {
		return 0
	}
	ids := p.Stream(stream)
	for _, id := range ids {
		if q, ok := p.Pair(id); ok && (q.Low == v.name || q.High == v.name) {
			return id
		}
	}
	if len(ids) == 0 {
		return 0
	}
	return ids[0]
}
