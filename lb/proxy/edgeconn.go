package proxy

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/front"
)

// edgeConn is a connection to an edge that a loop owns.
type edgeConn struct {
	s          *Splicer
	fd         int
	edge       string
	addr       string
	generation uint64 // of the proxy's pool when it was opened
	reused     bool
	idleAt     time.Time

	splice   *splice // nil: idle
	opening  bool    // not connected yet
	readable bool
	ended    bool // the edge sends no more
}

// Wants is a front.Source's.
func (n *edgeConn) Wants() (in, out bool) { return !n.readable, n.opening }

// Ready is a front.Source's.
func (n *edgeConn) Ready(events uint32) {
	over := events&(front.Half|front.Gone) != 0
	in := over || events&front.In != 0
	n.readable = n.readable || in
	n.ended = n.ended || over
	switch {
	case n.splice == nil:
		if in { // closed by the edge, or bytes that nobody asked for
			n.s.discard(n)
		}
	case n.opening:
		if over || events&front.Out != 0 {
			n.opened()
		}
	case in:
		n.splice.heard()
	}
}

// opened finds out how connecting ended.
func (n *edgeConn) opened() {
	r := n.splice
	if err := front.Connected(n.fd); err != nil {
		r.hangUp()
		r.handOff(err)
		return
	}
	n.opening = false
	r.speak()
	if n.readable && r.line == n { // told with the same event, and never again
		r.heard()
	}
}

// hangUp closes the splice's connection to its edge.
func (r *splice) hangUp() {
	r.line.close()
	r.line = nil
}

// line finds an idle connection to the splice's edge, or opens one; false when
// that can't be begun here.
func (r *splice) findLine() bool {
	s := r.s
	generation := s.c.pool.generation(r.plan.First.Edge)
	list := s.idle[r.plan.First.Addr]
	for len(list) > 0 {
		n := list[len(list)-1]
		list[len(list)-1] = nil
		list = list[:len(list)-1]
		s.idle[r.plan.First.Addr] = list
		// The loop may not have heard yet of its end, or of bytes that nobody asked
		// for: those would pass for the answer.
		if n.edge == r.plan.First.Edge && n.generation == generation && n.empty() {
			n.reused, n.splice, r.line = true, r, n
			return true
		}
		n.close()
	}
	n, err := s.dial(r.plan.First, generation)
	if err != nil {
		return false
	}
	n.splice, r.line = r, n
	return true
}

var errUnresolved = errors.New("the edge's address has to be looked up")

// dial begins to connect.
func (s *Splicer) dial(to Target, generation uint64) (*edgeConn, error) {
	addr, ok := s.c.resolved.find(to.Addr)
	if !ok {
		return nil, errUnresolved
	}
	fd, err := front.Connect(addr, int(s.c.cfg.MaxReceived))
	if err != nil {
		return nil, err
	}
	n := &edgeConn{s: s, fd: fd, edge: to.Edge, addr: to.Addr, generation: generation, opening: true}
	if err := s.loop.Watch(fd, n); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return n, nil
}

// rest keeps a connection whose answer was read to its end.
func (s *Splicer) rest(n *edgeConn) {
	n.splice = nil
	list := s.idle[n.addr]
	if n.ended || len(list) >= s.c.cfg.IdlePerEdge { // findLine looks whether it is empty
		n.close()
		return
	}
	n.idleAt = s.loop.Now()
	s.idle[n.addr] = append(list, n)
}

// discard closes an idle connection.
func (s *Splicer) discard(n *edgeConn) { s.sweep(func(other *edgeConn) bool { return other == n }) }

// sweep closes the idle connections that end says so of.
func (s *Splicer) sweep(end func(*edgeConn) bool) {
	for addr, list := range s.idle {
		kept := list[:0]
		for _, n := range list {
			if end(n) {
				n.close()
			} else {
				kept = append(kept, n)
			}
		}
		clear(list[len(kept):])
		if s.idle[addr] = kept; len(kept) == 0 {
			delete(s.idle, addr)
		}
	}
}

// close ends the connection; after an unfinished body the kernel resets it.
func (n *edgeConn) close() {
	n.s.loop.Forget(n.fd)
	_ = unix.Close(n.fd)
}

// upstream is the same connection in the hands of goroutines, with what was
// received and not used. The line is no more.
func (n *edgeConn) upstream(received []byte) *upstream {
	defer n.close()
	tcp, err := front.SocketOf(n.fd)
	if err != nil {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		_ = tcp.Close()
		return nil
	}
	u := &upstream{conn: tcp, tcp: tcp, raw: raw, edge: n.edge, addr: n.addr, generation: n.generation, reused: n.reused}
	u.buf = make([]byte, max(upstreamBuffer, len(received)))
	u.w = copy(u.buf, received)
	return u
}

// empty tells whether nothing lies in the socket that nobody asked for: what had
// come before the answer's end is not told again.
func (n *edgeConn) empty() bool {
	n.readable = false
	return !front.Unread(n.fd)
}

// silent is the time since the kernel last received bytes.
func (n *edgeConn) silent() time.Duration {
	silent, _ := front.Reception(n.fd)
	return silent
}
