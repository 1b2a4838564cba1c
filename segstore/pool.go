package segstore

import (
	"context"
	"sync"
	"sync/atomic"

	"tandem/segstore/eviction"
)

type counter = atomic.Int64

// maxAttempts is how many objects in use are passed over before giving up.
const maxAttempts = 1024

// objectCost is at least what an object takes besides its body: key, metadata, map
// entries. Without it a store could be filled without bound by empty bodies.
const objectCost = 1024

func costOf(key Key, m *Meta) int64 {
	return max(objectCost, int64(objectCost/2+len(key)+m.length()))
}

// pool is a bounded number of bytes, of disk or of memory, and the order in
// which its objects leave.
type pool struct {
	max     int64
	most    int64   // objects
	objects counter // those that are kept
	used    counter // reserved, bodies and costs
	bodies  counter // bytes of bodies alone
	changes counter // how often used was changed
	mu      sync.Mutex
	order   *eviction.Order[object] // guarded by mu
}

func newPool(limit, most int64) *pool {
	return &pool{max: limit, most: most, order: eviction.New[object]()}
}

func (p *pool) add(o *object) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.objects.Add(1)
	o.node.Key, o.node.Size, o.node.Object = o.key, o.charge.Load(), o
	p.order.Add(&o.node)
}

func (p *pool) remove(o *object) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.objects.Add(-1)
	p.order.Remove(&o.node)
}

func (p *pool) giveBack(o *object) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.order.GiveBack(&o.node)
}

func (p *pool) victim() *object {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.order.Victim(); n != nil {
		return n.Object
	}
	return nil
}

// take adds to what is reserved without asking whether it fits.
func (p *pool) take(o *object, bytes, cost int64) {
	o.charge.Add(bytes + cost)
	o.bodyCharge.Add(bytes)
	p.bodies.Add(bytes)
	p.used.Add(bytes + cost)
	p.changes.Add(1)
}

// free gives all that o has reserved back.
func (p *pool) free(o *object) {
	p.bodies.Add(-o.bodyCharge.Swap(0))
	p.used.Add(-o.charge.Swap(0))
	p.changes.Add(1)
}

// over tells whether more is reserved than may be, or too many objects are kept.
func (p *pool) over() bool {
	return p.used.Load() > p.max || p.objects.Load() > p.most
}

// reserve makes room for bytes of o's body and takes it; ErrFull when everything
// else is being read. What is being synced may not leave either: then the writer
// waits, as for any disk that is slower than its source.
func (s *Store) reserve(ctx context.Context, o *object, bytes, cost int64) error {
	p := o.pool
	p.take(o, bytes, cost)
	for p.over() {
		if !s.evictOne(p) && !s.commit.letsGo(ctx) {
			p.take(o, -bytes, -cost)
			return ErrFull
		}
	}
	return nil
}

// evictOne throws the object out that shall leave first; false: there is none
// that may.
func (s *Store) evictOne(p *pool) bool {
	for range maxAttempts {
		o := p.victim()
		if o == nil {
			return false
		}
		shard := s.shard(o.key)
		shard.mu.Lock()
		if shard.objects[o.key] != o { // deleted since it was picked
			shard.mu.Unlock()
			continue
		}
		if o.refs.Load() > 1 {
			p.giveBack(o)
			shard.mu.Unlock()
			continue
		}
		shard.forget(o)
		shard.mu.Unlock()
		s.count.evicted.Add(1)
		s.count.evictedBytes.Add(o.avail.Load())
		o.release()
		return true
	}
	return false
}

// shrink throws a sixteenth of the disk's objects out: the disk is smaller than
// the configuration says.
func (s *Store) shrink() {
	goal := s.disk.used.Load() - s.disk.used.Load()/16
	for s.disk.used.Load() >= goal && (s.evictOne(s.disk) || s.commit.letsGo(s.ctx)) {
		continue
	}
}
