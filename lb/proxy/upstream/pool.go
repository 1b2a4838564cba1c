package upstream

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// IdleLimit closes a connection before the edge does (60 s and more there).
const IdleLimit = 30 * time.Second

// Pool keeps idle connections by address, the last used first. Each loop has
// one, for it alone is told of their ends, and all goroutines together.
type Pool struct {
	most        int // idle connections to one address
	generations *Generations

	mu   sync.Mutex
	idle map[string][]*Conn // guarded by mu
}

func newPool(most int, of *Generations) *Pool {
	return &Pool{most: most, generations: of, idle: map[string][]*Conn{}}
}

// get returns a connection that is idle and sound, or nil.
func (p *Pool) get(to Target) *Conn {
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
		if u.Edge == to.Edge && u.generation == generation && (empty || !u.Unread()) {
			u.reused = true
			return u
		}
		u.Close()
	}
}

func (p *Pool) last(addr string) *Conn {
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
func (p *Pool) put(u *Conn, now time.Time) {
	if u.ended || len(u.Buffered()) > 0 || u.generation != p.generations.of(u.Edge) || !p.keep(u, now) {
		u.Close()
	}
}

func (p *Pool) keep(u *Conn, now time.Time) bool {
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
func (p *Pool) expire(now time.Time) {
	p.sweep(func(u *Conn) bool { return now.Sub(u.idleAt) > IdleLimit })
}

// sweep closes the connections that end says so of.
func (p *Pool) sweep(end func(*Conn) bool) {
	var ended []*Conn
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
		u.Close()
	}
}

// size is the number of idle connections.
func (p *Pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, list := range p.idle {
		n += len(list)
	}
	return n
}

// Generations are those of edges: a connection from before its edge was declared dead is
// not used any more. They are read at every request and written at a death.
type Generations struct {
	mu  sync.Mutex // of who writes
	all atomic.Pointer[map[string]uint64]
}

func NewGenerations() *Generations {
	g := new(Generations)
	g.all.Store(&map[string]uint64{})
	return g
}

// of is what a connection to the edge is stamped with when it is dialled.
func (g *Generations) of(edge string) uint64 { return (*g.all.Load())[edge] }

// End begins the edge's next one.
func (g *Generations) End(edge string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := maps.Clone(*g.all.Load())
	all[edge]++
	g.all.Store(&all)
}
