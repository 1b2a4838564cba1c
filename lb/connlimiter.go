package lb

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/budget"
	"tandem/internal/front/kernel"
	"tandem/internal/h1"
	"tandem/internal/wire"
	"tandem/lb/proxy"
)

// paceEvery is how often slow clients are looked for; twice in a row too slow is
// slow.
const paceEvery = 5 * time.Second

// What is held for a viewer is weighed so often, and who takes so much begins anew, in
// bytes.
const (
	weighEvery = time.Second
	tookMost   = 64 << 10
)

// client is one connection of a viewer or a node.
type client struct {
	budget.Place

	bindings bindings
	taker    proxy.Taker
	streams  atomic.Int32 // of HTTP/2, under way
	tcp      *net.TCPConn // nil where somebody else resets and paces it: on loops

	acked uint64 // owned by connLimiter.run, as all below
	slow  int
	asked bool

	took   uint64 // acknowledged by stuck
	stuck  time.Time
	weight int64
}

// clientKey finds a connection's client in a request's context.
type clientKey struct{}

// clientOf is the connection that a request came by, nil in tests without one.
func clientOf(r *http.Request) *client {
	c, _ := r.Context().Value(clientKey{}).(*client)
	return c
}

func withClient(ctx context.Context, c *client) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// takerOf is for proxy.Request.
func takerOf(c *client) *proxy.Taker {
	if c == nil {
		return nil
	}
	return &c.taker
}

// breakOff makes the end of a connection a reset, so that nobody takes what was
// sent for the whole.
func (c *client) breakOff() {
	if c != nil && c.tcp != nil {
		_ = c.tcp.SetLinger(0)
	}
}

// connLimiter bounds what clients can take of this balancer: connections, one client's
// connections, and the time they keep a body waiting.
type connLimiter struct {
	*budget.Limiter
	rate int64 // bytes a second
	cut  func()

	held     *budget.Held      // what the kernel holds for viewers
	share    *budget.Share     // of those that speak HTTP/2; owned by run
	relieved func(bytes int64) // one was reset because of so many

	mu    sync.Mutex
	paced map[*client]struct{} // those that speak HTTP/2; guarded by mu
}

func newConnLimiter(most, each int, rate int64, clientOf func(string) string, cut func()) *connLimiter {
	held := budget.NewHeld(0, budget.Spares)
	return &connLimiter{
		Limiter: budget.NewLimiter(most, each, clientOf), rate: rate, cut: cut, paced: map[*client]struct{}{},
		held: held, share: held.Join(), relieved: func(int64) {},
	}
}

// admit counts a connection, before a byte of it is read; false: it is one too
// many, and has to be reset unless it is a node's (proves).
func (g *connLimiter) admit(address string) (*client, bool) {
	place, ok := g.Enter(address)
	return &client{Place: place}, ok
}

// leave takes a connection out of the count.
func (g *connLimiter) leave(c *client) { g.Leave(&c.Place) }

// speaks notes a connection to which goroutines write, those that speak HTTP/2, until over
// is called: nobody else sees how it takes what they do.
func (g *connLimiter) speaks(held any, tcp *net.TCPConn) (over func()) {
	c := held.(*client)
	c.tcp = tcp
	g.mu.Lock()
	defer g.mu.Unlock()
	g.paced[c] = struct{}{}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.paced, c)
	}
}

// run looks for clients that take what is there for them too slowly.
func (g *connLimiter) run(ctx context.Context) error {
	tick, weigh := time.NewTicker(paceEvery), time.NewTicker(weighEvery)
	defer tick.Stop()
	defer weigh.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-weigh.C:
			g.weigh(now)
		case <-tick.C:
			if g.rate > 0 {
				g.pace(paceEvery)
			}
		}
	}
}

// pace compares what every client has acknowledged with the last look. Bytes
// that wait in the socket show that it is the client who is slow, not an edge;
// also when the answer is written whole and lies there to be taken.
func (g *connLimiter) pace(window time.Duration) {
	all := g.all()
	least := uint64(float64(g.rate) * window.Seconds())
	for _, c := range all {
		acked, waiting, ok := progress(c.tcp)
		if !ok || waiting == 0 {
			c.asked, c.slow = false, 0
			continue
		}
		if c.asked && acked-c.acked < least {
			c.slow++
		} else {
			c.slow = 0
		}
		c.asked, c.acked = true, acked
		if c.slow >= 2 {
			g.cut()
			c.breakOff()
			_ = c.tcp.Close()
		}
	}
}

// all are the connections that speak HTTP/2.
func (g *connLimiter) all() []*client {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]*client, 0, len(g.paced))
	for c := range g.paced {
		all = append(all, c)
	}
	return all
}

// weigh tells what the kernel holds for viewers who speak HTTP/2, as loops do of theirs, and resets those who have to go.
func (g *connLimiter) weigh(now time.Time) {
	all := g.all()
	var levels budget.Levels
	for _, c := range all {
		acked, waiting, ok := progress(c.tcp)
		if c.weight = c.taker.Held(); ok && waiting > 0 {
			c.weight += heldBy(c.tcp)
		}
		if c.stuck.IsZero() || acked-c.took >= tookMost {
			c.stuck, c.took = now, acked
		}
		levels[g.share.Level(c.weight, now.Sub(c.stuck))] += c.weight
	}
	goes, some, _ := g.share.Tell(levels)
	if !some {
		return
	}
	for _, c := range all {
		level := g.share.Level(c.weight, now.Sub(c.stuck))
		if c.weight == 0 || level < goes.Level || level == goes.Level && goes.Bytes <= 0 {
			continue
		}
		if level == goes.Level {
			goes.Bytes -= c.weight
		}
		g.relieved(c.weight)
		c.breakOff()
		_ = c.tcp.Close()
	}
}

// progress is how many bytes the other side has acknowledged, and how many wait
// for that.
func progress(tcp *net.TCPConn) (acked uint64, waiting int, ok bool) {
	if tcp == nil {
		return 0, 0, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, 0, false
	}
	err = raw.Control(func(fd uintptr) { acked, waiting, ok = kernel.Progress(int(fd)) })
	return acked, waiting, ok && err == nil
}

func heldBy(tcp *net.TCPConn) (bytes int64) {
	if raw, err := tcp.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { bytes = kernel.Held(int(fd)) })
	}
	return bytes
}

// relieves tells that a viewer was reset because of what the kernel held for it.
func relieves(l *LB) func(bytes int64) {
	held := l.connections.held
	return func(bytes int64) {
		l.counts.relieved.Inc()
		l.log.Warn().Int64("bytes", bytes).Int64("held", held.Bytes()).Int64("most", held.Limited()).Msg("connection reset: the kernel held too much for clients that do not take it")
	}
}

// hostOf is the address without the port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// proves tells whether a request is a node's call: viewers that fill a balancer keep no
// node out. It is for front.Config.
func (g *connLimiter) proves(secret wire.Secret) func(held any, h *h1.Request) bool {
	return func(held any, h *h1.Request) bool {
		if !strings.HasPrefix(h.Target, wire.Internal) || !secret.Shown(h.Get(wire.HeaderAuth)) {
			return false
		}
		held.(*client).Node()
		return true
	}
}
