// Package turns lets few reckon at a time, and clients in turn: a thousand that are
// runnable at once keep a loop waiting, which lets Go have its processor for a moment and
// comes back after all of them, and a client that comes with a thousand is not to keep
// another one waiting. Handshakes have turns, and what is sealed and written over HTTP/2.
//
// Always true:
//   - no more have a turn than there are turns, and none is free while somebody waits;
//   - a turn that is free is the client's who was given least, in time, while he waits or has
//     a Turn (internal/front/fair), and of one client's those who go on pass those who begin.
//
// Guarded by a mutex. Starts no goroutine.
package turns

import (
	"net/netip"
	"sync"
	"time"

	"tandem/internal/front/fair"
)

// Turns are so many of those who wait for one.
type Turns struct {
	most int

	mu    sync.Mutex
	taken int // guarded by mu, as line is: who waits, by client
	line  *fair.Queue[netip.Prefix, chan struct{}]
}

// New makes so many turns.
func New(most int) *Turns {
	return &Turns{most: most, line: fair.New[netip.Prefix, chan struct{}]()}
}

// Client is who counts as one: an IPv4 address, or the /64 of an IPv6 one.
func Client(a netip.Addr) netip.Prefix {
	if a.Is6() && !a.Is4In6() {
		p, _ := a.Prefix(64)
		return p
	}
	return netip.PrefixFrom(a, a.BitLen())
}

// Turn is the place of one of a client's, which takes and gives one turn after another.
type Turn struct {
	of    *Turns
	flow  *fair.Flow[netip.Prefix, chan struct{}]
	began time.Time // of the turn that Take has taken
}

// Of is for one of the client's with this address, until End. It has no turn yet.
func (t *Turns) Of(address netip.Addr) *Turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &Turn{of: t, flow: t.line.Of(Client(address))}
}

// End is for one that takes no turn any more.
func (t *Turn) End() {
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.of.line.Leave(t.flow)
}

// Take waits for a turn, and Give ends it. They are for one goroutine at a time.
func (t *Turn) Take() { t.began = t.wait(false) }

// Give ends the turn that Take has taken.
func (t *Turn) Give() { t.give(t.began) }

// Begin waits for a turn, which begun ends, wherever that is called: so many as there are turns
// wait for Go's scheduler, and others here.
func (t *Turn) Begin() (begun func()) {
	began := t.wait(false)
	return func() { t.give(began) }
}

// Waiting gives the turn away while f waits, for somebody who may never come; nil: there
// is none.
func (t *Turn) Waiting(f func([]byte) (int, error), b []byte) (int, error) {
	if t == nil {
		return f(b)
	}
	t.Give()
	defer func() { t.began = t.wait(true) }()
	return f(b)
}

func (t *Turn) give(began time.Time) {
	all := t.of
	all.mu.Lock()
	defer all.mu.Unlock()
	all.line.Spent(t.flow, max(time.Since(began), 1))
	if next, _, waits := all.line.Take(); waits {
		close(next)
		return
	}
	all.taken--
}

func (t *Turn) wait(goesOn bool) (began time.Time) {
	all := t.of
	all.mu.Lock()
	if all.taken < all.most {
		all.taken++
		all.line.Serves(t.flow)
		all.mu.Unlock()
		return time.Now()
	}
	mine := make(chan struct{})
	if goesOn {
		all.line.PutFirst(t.flow, mine)
	} else {
		all.line.Put(t.flow, mine)
	}
	all.mu.Unlock()
	<-mine
	return time.Now()
}

// Taken is how many have one, and Waits how many wait.
func (t *Turns) Taken() (taken, waits int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken, t.line.Len()
}
