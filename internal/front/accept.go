package front

import (
	"errors"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// acceptsMost bounds what one loop accepts in a round.
const acceptsMost = 64

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
		fd, from, err := acceptFrom(a.fd)
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
		a.enter(fd, addressOf(from))
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
	client, ok := s.cfg.Enter(from.Addr().String())
	trial := !ok && s.cfg.Proves != nil && s.cfg.TLS == nil // nodes speak plainly; a handshake would cost too much
	if !ok && !trial || s.draining.Load() {
		if client != nil {
			s.cfg.Leave(client)
		}
		resetAndClose(fd)
		return
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if s.cfg.MaxQueue > 0 {
		boundQueue(fd, s.cfg.MaxQueue)
	}
	s.open.Add(1)
	to := s.least()
	to.held.Add(1)
	c := &Conn{loop: to, fd: fd, remote: from, client: client, fresh: s.cfg.Proves != nil, trial: trial}
	if to == a.l {
		c.begin()
		return
	}
	to.Post(c.begin)
}
