//go:build linux && !portable

package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a Source is told.
const (
	In   = unix.EPOLLIN                  // there is something to read, the other side's end included
	Out  = unix.EPOLLOUT                 // there is room to write
	Half = unix.EPOLLRDHUP               // the other side sends no more
	Gone = unix.EPOLLHUP | unix.EPOLLERR // it takes no more either

	TellsHalf, TellsProgress = true, true

	eventsMost = 1024 // of one round
	shortSleep = 20   // milliseconds
)

// Poller waits for descriptors: an epoll, edge-triggered, and an eventfd that ends
// the waiting.
type Poller struct {
	epoll, bell int
	events      []unix.EpollEvent
}

func OpenPoller() (*Poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, SystemError("epoll_create1", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(epoll)
		return nil, SystemError("eventfd", err)
	}
	p := &Poller{epoll: epoll, bell: bell, events: make([]unix.EpollEvent, eventsMost)}
	if err := p.control(bell, 0, unix.EPOLLIN|unix.EPOLLET); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *Poller) Close() {
	_ = unix.Close(p.epoll)
	_ = unix.Close(p.bell)
}

func (p *Poller) control(fd int, life int32, events uint32) error {
	return SystemError("epoll_ctl", unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd), Pad: life}))
}

// Add tells of all that happens at a descriptor, each time that it begins to.
func (p *Poller) Add(fd int, life int32) error {
	return p.control(fd, life, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET)
}

// AddListener tells one of those who ask of a listener that has a connection.
func (p *Poller) AddListener(fd int, life int32) error {
	return p.control(fd, life, unix.EPOLLIN|unix.EPOLLEXCLUSIVE)
}

// Forget ends add.
func (p *Poller) Forget(fd int) { _ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, fd, nil) }

// Bell is the descriptor that Wake writes to, for tests of one that can't.
func (p *Poller) Bell() int { return p.bell }

// Wake ends a wait, or the next one.
func (p *Poller) Wake() { _, _ = unix.Write(p.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// Wait is epoll_wait, for ms at most. Go is not told of a short sleep: told, its
// monitor takes the processor away and looks again every 20 µs for a while, and
// other threads are woken to find nothing to do; at a moderate load that costs
// more than the requests. A signal of the scheduler's ends the sleep, so a
// collection of garbage waits for nobody. After a longer silence Go gets the
// processor back.
func (p *Poller) Wait(_ Wanted, ms int) (int, error) {
	short := min(ms, shortSleep)
	n, _, code := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epoll), uintptr(unsafe.Pointer(&p.events[0])), uintptr(len(p.events)), uintptr(short), 0, 0)
	switch {
	case code != 0:
		return 0, code
	case n > 0 || short == ms:
		return int(n), nil
	default:
		return unix.EpollWait(p.epoll, p.events, ms-short)
	}
}

// Event is one of those that wait has found: of a descriptor in one of its lives.
func (p *Poller) Event(i int) (fd int, life int32, events uint32) {
	e := &p.events[i]
	if e.Fd == int32(p.bell) {
		var count [8]byte
		_, _ = unix.Read(p.bell, count[:])
		return -1, 0, 0
	}
	return int(e.Fd), e.Pad, e.Events
}
