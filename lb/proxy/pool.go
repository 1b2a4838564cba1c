package proxy

import (
	"sync"
	"time"
)

// idleLimit closes a connection before the edge does (60 s and more there).
const idleLimit = 30 * time.Second

// upstreamPool keeps idle connections by address, the last used first.
type upstreamPool struct {
	most int // idle connections to one address

	mu          sync.Mutex
	idle        map[string][]*upstream // guarded by mu
	generations map[string]uint64      // guarded by mu; by edge, risen by drop
}

func newUpstreamPool(most int) *upstreamPool {
	return &upstreamPool{most: most, idle: map[string][]*upstream{}, generations: map[string]uint64{}}
}

// generation is what a connection to the edge is stamped with when it is dialled.
func (p *upstreamPool) generation(edge string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.generations[edge]
}

// get returns a connection that is idle and sound, or nil.
func (p *upstreamPool) get(to Target) *upstream {
	for {
		p.mu.Lock()
		list := p.idle[to.Addr]
		if len(list) == 0 {
			p.mu.Unlock()
			return nil
		}
		u := list[len(list)-1]
		list[len(list)-1] = nil
		p.idle[to.Addr] = list[:len(list)-1]
		p.mu.Unlock()
		if u.edge == to.Edge && u.clean() {
			u.reused = true
			return u
		}
		u.close()
	}
}

// put takes a connection back whose response was read to its end.
func (p *upstreamPool) put(u *upstream, now time.Time) {
	if len(u.buffered()) > 0 { // more than was announced: what follows can't be trusted
		u.close()
		return
	}
	u.settle()
	u.idleAt = now
	p.mu.Lock()
	list := p.idle[u.addr]
	if p.most <= len(list) || u.generation != p.generations[u.edge] {
		p.mu.Unlock()
		u.close()
		return
	}
	p.idle[u.addr] = append(list, u)
	p.mu.Unlock()
}

// drop closes what is idle to an edge; what is in use is not kept afterwards.
func (p *upstreamPool) drop(edge string) {
	p.mu.Lock()
	p.generations[edge]++
	p.mu.Unlock()
	p.sweep(func(u *upstream) bool { return u.edge == edge })
}

// expire closes what has been idle for too long.
func (p *upstreamPool) expire(now time.Time) {
	p.sweep(func(u *upstream) bool { return now.Sub(u.idleAt) > idleLimit })
}

func (p *upstreamPool) sweep(end func(*upstream) bool) {
	var ended []*upstream
	p.mu.Lock()
	for addr, list := range p.idle {
		kept := list[:0]
		for _, u := range list {
			if end(u) {
				ended = append(ended, u)
			} else {
				kept = append(kept, u)
			}
		}
		clear(list[len(kept):])
		if p.idle[addr] = kept; len(kept) == 0 {
			delete(p.idle, addr)
		}
	}
	p.mu.Unlock()
	for _, u := range ended {
		u.close()
	}
}

// size is the number of idle connections.
func (p *upstreamPool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, list := range p.idle {
		n += len(list)
	}
	return n
}
