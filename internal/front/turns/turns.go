// Package turns lets few reckon at a time, and clients in turn: a thousand that are
// runnable at once keep a loop waiting, which lets Go have its processor for a moment and
// comes back after all of them, and a client that comes with a thousand is not to keep
// another one waiting.
//
// Always true:
//   - no more have a turn than there are turns, and none is free while somebody waits;
//   - whoever waits is passed by each other client once at most before one of his own has
//     a turn, and of one client's those who go on pass those who begin.
//
// Guarded by a mutex. Starts no goroutine.
package turns

import (
	"net/netip"
	"slices"
	"sync"
)

// Turns are so many of those who wait for one.
type Turns struct {
	most int

	mu    sync.Mutex
	taken int                              // guarded by mu, as all below
	lines map[netip.Prefix][]chan struct{} // who waits, by client
	next  []netip.Prefix                   // of lines, whose turn it is
}

// New makes so many turns.
func New(most int) *Turns { return &Turns{most: most, lines: map[netip.Prefix][]chan struct{}{}} }

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
	of     *Turns
	client netip.Prefix
}

// Of is for one of the client's with this address. It has no turn yet.
func (t *Turns) Of(address netip.Addr) *Turn { return &Turn{t, Client(address)} }

// Take waits for a turn.
func (t *Turn) Take() { t.wait(false) }

// Give ends it.
func (t *Turn) Give() {
	all := t.of
	all.mu.Lock()
	defer all.mu.Unlock()
	if len(all.next) == 0 {
		all.taken--
		return
	}
	client := all.next[0]
	line := all.lines[client]
	close(line[0])
	if all.next = all.next[1:]; len(line) == 1 {
		delete(all.lines, client)
		return
	}
	all.lines[client] = line[1:]
	all.next = append(all.next, client)
}

// Waiting gives the turn away while f waits, for somebody who may never come; nil: there
// is none.
func (t *Turn) Waiting(f func([]byte) (int, error), b []byte) (int, error) {
	if t == nil {
		return f(b)
	}
	t.Give()
	defer t.wait(true)
	return f(b)
}

func (t *Turn) wait(goesOn bool) {
	all := t.of
	all.mu.Lock()
	if all.taken < all.most {
		all.taken++
		all.mu.Unlock()
		return
	}
	mine := make(chan struct{})
	line, waits := all.lines[t.client]
	if !waits {
		all.next = append(all.next, t.client)
	}
	if goesOn {
		all.lines[t.client] = slices.Insert(line, 0, mine)
	} else {
		all.lines[t.client] = append(line, mine)
	}
	all.mu.Unlock()
	<-mine
}

// Taken is how many have one, and Waits how many wait.
func (t *Turns) Taken() (taken, waits int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range t.lines {
		waits += len(line)
	}
	return t.taken, waits
}
