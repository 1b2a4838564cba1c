package proxy

import (
	"errors"
	"net/netip"
	"os"
	"syscall"
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

// Ready is a front.Source's.
func (n *edgeConn) Ready(events uint32) {
	over := events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
	in := over || events&unix.EPOLLIN != 0
	n.readable = n.readable || in
	n.ended = n.ended || over
	switch {
	case n.splice == nil:
		if in { // closed by the edge, or bytes that nobody asked for
			n.s.discard(n)
		}
	case n.opening:
		if over || events&unix.EPOLLOUT != 0 {
			n.opened()
		}
	case in:
		n.splice.heard()
	}
}

// opened finds out how connecting ended.
func (n *edgeConn) opened() {
	code, err := unix.GetsockoptInt(n.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = os.NewSyscallError("connect", syscall.Errno(code))
	}
	r := n.splice
	if err != nil {
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
	family, sockaddr := sockaddrOf(addr)
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	n := &edgeConn{s: s, fd: fd, edge: to.Edge, addr: to.Addr, generation: generation, opening: true}
	if err = unix.Connect(fd, sockaddr); err == nil {
		n.opening = false
	} else if !errors.Is(err, syscall.EINPROGRESS) {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	if err := s.loop.Watch(fd, n); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return n, nil
}

func sockaddrOf(a netip.AddrPort) (int, unix.Sockaddr) {
	if a.Addr().Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
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
	u := &upstream{tcp: tcp, raw: raw, edge: n.edge, addr: n.addr, generation: n.generation, reused: n.reused}
	u.buf = make([]byte, max(upstreamBuffer, len(received)))
	u.w = copy(u.buf, received)
	return u
}

// empty tells whether nothing lies in the socket that nobody asked for: what had
// come before the answer's end is not told again.
func (n *edgeConn) empty() bool {
	var b [1]byte
	_, _, err := unix.Recvfrom(n.fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	n.readable = false
	return errors.Is(err, syscall.EAGAIN)
}

// connected tells whether connecting has ended, well or not.
func (n *edgeConn) connected() bool {
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(n.fd), Events: unix.POLLOUT}}, 0)
	return err == nil && ready > 0
}

// waiting is how many bytes lie in the socket.
func (n *edgeConn) waiting() int {
	got, err := unix.IoctlGetInt(n.fd, unix.TIOCINQ)
	if err != nil {
		return 0
	}
	return got
}

// silent is the time since the kernel last received bytes.
func (n *edgeConn) silent() time.Duration {
	info, err := unix.GetsockoptTCPInfo(n.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0
	}
	return time.Duration(info.Last_data_recv) * time.Millisecond
}
