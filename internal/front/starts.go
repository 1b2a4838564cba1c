package front

import (
	"net/netip"
	"sync/atomic"

	"tandem/internal/front/fair"
	"tandem/internal/front/turns"
	"tandem/internal/h1"
)

// startsMost bounds how many goroutines of a loop wait for Go's scheduler to begin them. It
// takes them as they come: so that one client's thousand are not before another one's, the
// rest waits here, and clients are begun in turn.
const startsMost = 8

// starts are a loop's requests that go away, and have no goroutine yet.
type starts struct {
	waiting *fair.Queue[netip.Prefix, func()] // owned by the loop
	begun   atomic.Int32                      // goroutines that the scheduler has not begun
	more    atomic.Bool                       // some wait, and the loop has to be told when one has begun
}

// asksFor is who waits for a request's answer.
func asksFor(c *Conn, h *h1.Request) netip.Prefix {
	if asks := c.loop.server.cfg.Asks; c.node && asks != nil {
		if a, err := netip.ParseAddr(asks(h)); err == nil {
			return turns.Client(a)
		}
	}
	return turns.Client(c.remote.Addr())
}

// begin gives serve a goroutine, in its client's turn.
func (s *starts) begin(l *Loop, of netip.Prefix, serve func()) {
	line := s.waiting.Of(of)
	s.waiting.Put(line, serve)
	s.waiting.Leave(line)
	s.next(l)
}

// next begins as many as may wait for the scheduler.
func (s *starts) next(l *Loop) {
	for {
		s.more.Store(s.waiting.Len() > 0)
		if s.waiting.Len() == 0 || s.begun.Load() >= startsMost {
			return
		}
		serve, line, _ := s.waiting.Take()
		s.waiting.Spent(line, 1)
		s.begun.Add(1)
		go func() {
			if s.begun.Add(-1); s.more.Swap(false) {
				l.Post(func() { s.next(l) })
			}
			serve()
		}()
	}
}
