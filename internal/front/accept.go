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
	return l.add(fd, l.accepts, unix.EPOLLIN|unix.EPOLLEXCLUSIVE)
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

// Ready accepts, and gives each connection to the loop that has the fewest.
func (a *acceptor) Ready(uint32) {
	for range acceptsMost {
		fd, from, err := unix.Accept4(a.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
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
	if a.l.add(a.fd, a, unix.EPOLLIN|unix.EPOLLEXCLUSIVE) != nil {
		a.pause()
	}
}

func (a *acceptor) enter(fd int, from netip.AddrPort) {
	s := a.l.server
	client, ok := s.cfg.Enter(from.Addr().String())
	if !ok || s.draining.Load() {
		if ok {
			s.cfg.Leave(client)
		}
		resetAndClose(fd)
		return
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	s.open.Add(1)
	to := s.least()
	to.held.Add(1)
	c := &Conn{loop: to, fd: fd, remote: from, client: client}
	if to == a.l {
		c.begin()
		return
	}
	to.Post(c.begin)
}

// probeEvery is for how long nothing may come before the kernel asks whether the
// other end is still there, and then how often, in seconds: Go's own default.
const probeEvery = 15

// probeSilent makes the kernel ask so on all connections that come by a listener.
func probeSilent(listener int) {
	_ = unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(listener, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, probeEvery)
	_ = unix.SetsockoptInt(listener, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, probeEvery)
}

// addressOf is an accepted connection's other end; IPv4 as such.
func addressOf(from unix.Sockaddr) netip.AddrPort {
	switch a := from.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	default:
		return netip.AddrPort{}
	}
}

// resetAndClose ends a connection so that nobody takes what was sent for the whole.
func resetAndClose(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	_ = unix.Close(fd)
}
