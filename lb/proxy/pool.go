package proxy

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// idleLimit closes a connection before the edge does (60 s and more there).
const idleLimit = 30 * time.Second

// upstreamPool keeps idle connections by address, the last used first. Each loop has
// one, for it alone is told of their ends, and all goroutines together.
type upstreamPool struct {
	most        int // idle connections to one address
	generations *generations

	mu   sync.Mutex
	idle map[string][]*upstream // guarded by mu
}

func newUpstreamPool(most int, of *generations) *upstreamPool {
	return &upstreamPool{most: most, generations: of, idle: map[string][]*upstream{}}
}

// get returns a connection that is idle and sound, or nil.
func (p *upstreamPool) get(to Target) *upstream {
	generation := p.generations.of(to.Edge)
	for {
		u := p.last(to.Addr)
		if u == nil {
			return nil
		}
		// It was empty when it was read, and the loop is told of what has come since then
		// before it hears any request of the same round: no need to look.
		empty := u.tcp == nil && !u.readable
		u.readable = false
		if u.Edge == to.Edge && u.generation == generation && (empty || !u.unread()) {
			u.reused = true
			return u
		}
		u.close()
	}
}

func (p *upstreamPool) last(addr string) *upstream {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[addr]
	if len(list) == 0 {
		return nil
	}
	u := list[len(list)-1]
	list[len(list)-1] = nil
	p.idle[addr] = list[:len(list)-1]
	return u
}

// put takes a connection back whose response was read to its end. One that has ended,
// or in which more lies than was announced, can't be trusted.
func (p *upstreamPool) put(u *upstream, now time.Time) {
	if u.ended || len(u.buffered()) > 0 || u.generation != p.generations.of(u.Edge) || !p.keep(u, now) {
		u.close()
	}
}

func (p *upstreamPool) keep(u *upstream, now time.Time) bool {
	u.user, u.kept, u.idleAt = nil, p, now
	u.settle()
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[u.addr]
	if len(list) >= p.most {
		return false
	}
	p.idle[u.addr] = append(list, u)
	return true
}

// expire closes what has been idle for too long.
func (p *upstreamPool) expire(now time.Time) {
	p.sweep(func(u *upstream) bool { return now.Sub(u.idleAt) > idleLimit })
}

// sweep closes the connections that end says so of.
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

// generations are those of edges: a connection from before its edge was declared dead is
// not used any more. They are read at every request and written at a death.
type generations struct {
	mu  sync.Mutex // of who writes
	all atomic.Pointer[map[string]uint64]
}

func newGenerations() *generations {
	g := new(generations)
	g.all.Store(&map[string]uint64{})
	return g
}

// of is what a connection to the edge is stamped with when it is dialled.
func (g *generations) of(edge string) uint64 { return (*g.all.Load())[edge] }

// end begins the edge's next one.
func (g *generations) end(edge string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := maps.Clone(*g.all.Load())
	all[edge]++
	g.all.Store(&all)
}
