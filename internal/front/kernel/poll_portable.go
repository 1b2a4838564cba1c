//go:build !linux || portable

package kernel

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// What a Source is told.
const (
	In   = 1 << iota // there is something to read, the other side's end included
	Out              // there is room to write
	Half             // never told here: see Conn.Ready
	Gone             // the other side takes no more

	TellsHalf, TellsProgress = false, false
)

// Poller waits for descriptors by poll, where there is no epoll: each time it asks
// for what the sources want to be told. Linux's own is tested with the tag portable.
type Poller struct {
	bell, ring int // a pipe: what is written to ring is read from bell
	fds        []unix.PollFd
	lives      []int32
	found      []int // in fds
}

func OpenPoller() (*Poller, error) {
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		return nil, SystemError("pipe", err)
	}
	for _, fd := range ends {
		unix.CloseOnExec(fd)
		_ = unix.SetNonblock(fd, true)
	}
	return &Poller{bell: ends[0], ring: ends[1]}, nil
}

func (p *Poller) Close() {
	_ = unix.Close(p.bell)
	_ = unix.Close(p.ring)
}

func (p *Poller) Add(int, int32) error         { return nil }
func (p *Poller) AddListener(int, int32) error { return nil }
func (p *Poller) Forget(int)                   {}

// Bell is the descriptor that Wake writes to, for tests of one that can't.
func (p *Poller) Bell() int { return p.ring }

// Wake ends a wait, or the next one. A pipe that is full wakes as well.
func (p *Poller) Wake() { _, _ = unix.Write(p.ring, []byte{1}) }

// Wait is poll, for ms at most.
func (p *Poller) Wait(wanted Wanted, ms int) (int, error) {
	p.fds = append(p.fds[:0], unix.PollFd{Fd: int32(p.bell), Events: unix.POLLIN})
	p.lives = append(p.lives[:0], 0)
	wanted(func(fd int, life int32, in, out bool) {
		var events int16
		if in {
			events |= unix.POLLIN
		}
		if out {
			events |= unix.POLLOUT
		}
		p.fds, p.lives = append(p.fds, unix.PollFd{Fd: int32(fd), Events: events}), append(p.lives, life)
	})
	p.found = p.found[:0]
	switch _, err := unix.Poll(p.fds, ms); {
	case errors.Is(err, unix.EINVAL): // more descriptors than the process may have by now
		time.Sleep(time.Millisecond)
		return 0, nil
	case err != nil:
		return 0, err
	}
	for i := range p.fds {
		if p.fds[i].Revents != 0 {
			p.found = append(p.found, i)
		}
	}
	return len(p.found), nil
}

// Event is one of those that wait has found: of a descriptor in one of its lives.
func (p *Poller) Event(i int) (fd int, life int32, events uint32) {
	i = p.found[i]
	e := &p.fds[i]
	if i == 0 {
		var some [64]byte
		for n := len(some); n == len(some); {
			n, _ = unix.Read(p.bell, some[:])
		}
		return -1, 0, 0
	}
	if e.Revents&unix.POLLIN != 0 {
		events |= In
	}
	if e.Revents&unix.POLLOUT != 0 {
		events |= Out
	}
	if e.Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0 {
		events |= Gone | In
	}
	return int(e.Fd), p.lives[i], events
}
