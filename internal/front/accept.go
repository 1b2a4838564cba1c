package front

import (
	"errors"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
)

// acceptsMost bounds what one loop accepts in a round, for which who is there waits.
const acceptsMost = 8

// pauseFor is for how long none is accepted when there are no descriptors.
const pauseFor = 50 * time.Millisecond

// acceptor is the source of the listener on one loop. All loops watch it, and
// the kernel wakes one of them.
type acceptor struct {
	l      *Loop
	fd     int
	paused bool
	over   bool
}

// listen makes the loop accept connections.
func (l *Loop) listen(fd int) error {
	l.accepts = &acceptor{l: l, fd: fd}
	return l.addListener(fd, l.accepts)
}

// stop ends accepting; the last loop to do so closes the listener, so that nobody
// waits there.
func (a *acceptor) stop() {
	if a.over {
		return
	}
	a.over = true
	if !a.paused {
		a.l.Forget(a.fd)
	}
	if s := a.l.server; s.accepting.Add(-1) == 0 {
		s.unlisten()
	}
}

// Wants is a Source's.
func (a *acceptor) Wants() (in, out bool) { return true, false }

// Ready accepts, and gives each connection to the loop that has the fewest.
func (a *acceptor) Ready(uint32) {
	for range acceptsMost {
		fd, from, err := kernel.Accept(a.fd)
		switch {
		case err == nil:
		case errors.Is(err, syscall.ECONNABORTED), errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return
		default: // no descriptors: a listener that stays readable would keep the loop busy
			a.pause()
			return
		}
		a.enter(fd, kernel.AddressOf(from))
	}
}

// pause accepts nothing for a moment.
func (a *acceptor) pause() {
	a.l.Forget(a.fd)
	a.paused = true
	time.AfterFunc(pauseFor, func() { a.l.server.postOpen(a.l, a.resume) })
}

func (a *acceptor) resume() {
	if a.over {
		return
	}
	a.paused = false
	if a.l.addListener(a.fd, a) != nil {
		a.pause()
	}
}

func (a *acceptor) enter(fd int, from netip.AddrPort) {
	s := a.l.server
	c := &Conn{fd: fd, remote: from, fresh: s.cfg.Proves != nil}
	if s.draining.Load() || !s.cfg.Proxies.Announces(from.Addr()) && !enter(c, &s.cfg) {
		kernel.ResetAndClose(fd)
		return
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if s.cfg.MaxQueue > 0 {
		kernel.BoundQueue(fd, s.cfg.MaxQueue)
	}
	s.open.Add(1)
	to := s.least()
	to.held.Add(1)
	c.loop = to
	if to == a.l {
		c.begin()
		return
	}
	to.Post(c.begin)
}

// enter counts the connection as its client's; false: it is one too many.
func enter(c *Conn, cfg *Config) bool {
	client, ok := cfg.Enter(c.remote.Addr().String())
	c.trial = !ok && cfg.Proves != nil && cfg.TLS == nil // nodes speak plainly; a handshake would cost too much
	if !ok && !c.trial {
		if client != nil {
			cfg.Leave(client)
		}
		return false
	}
	c.client, c.entered = client, true
	c.other, c.behind = c.remote, cfg.Proxies.Trusts(c.remote.Addr())
	return true
}

// begin is the connection's first step on its loop.
func (c *Conn) begin() {
	c.state, c.writable = heading, true
	known(c)
	if c.loop.server.draining.Load() || c.loop.Watch(c.fd, c) != nil {
		c.trial = false // it has not begun
		c.end()
		return
	}
	if !c.entered {
		c.loop.heads.push(c, c.loop.now)
		return
	}
	start(c)
}

// start is the first step of a connection whose client is known.
func start(c *Conn) {
	if c.loop.server.cfg.TLS != nil {
		c.secure = secured(c)
		return
	}
	if c.trial {
		c.loop.try(c)
		return
	}
	c.loop.heads.push(c, c.loop.now)
}
