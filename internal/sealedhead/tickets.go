package sealedhead

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of asking for grants.
const (
	askLimit  = 3 * time.Second
	askAgain  = 15 * time.Second // after an edge has given none
	sweepEach = time.Second
	unwanted  = 5 * time.Minute // of who is asked nothing any more
)

// Edge is whom a ticket is for: this life of an edge, at this address.
type Edge struct {
	Name, Addr string
	Life       uint64
}

// Tickets are the grants that a balancer has of edges. They are got, and renewed, beside
// the requests: while there is none, edges are asked by TLS.
type Tickets struct {
	balancer string
	now      func() time.Time
	ask      func(ctx context.Context, e Edge) (Grant, error)
	wake     chan struct{}

	mu sync.Mutex
	by map[Edge]*entry // guarded by mu
}

type entry struct {
	ticket *Ticket // nil: none
	next   time.Time
	used   time.Time
	asking bool
}

// NewTickets is for a balancer of that name. It starts nothing.
func NewTickets(balancer string, now func() time.Time, ask func(ctx context.Context, e Edge) (Grant, error)) *Tickets {
	return &Tickets{balancer: balancer, now: now, ask: ask, wake: make(chan struct{}, 1), by: map[Edge]*entry{}}
}

// Ticket seals requests to one edge.
type Ticket struct {
	*sealer
	edge  Edge
	last  atomic.Uint64 // number that was used
	until time.Time
}

// Of is the ticket for an edge; nil: there is none yet.
func (t *Tickets) Of(e Edge) *Ticket {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.by[e]
	if f == nil {
		f = &entry{}
		t.by[e] = f
		t.nudge()
	}
	f.used = now
	if f.ticket == nil || now.After(f.ticket.until) {
		return nil
	}
	return f.ticket
}

func (t *Tickets) nudge() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Void is for a ticket that the edge does not know: it may have started anew.
func (t *Tickets) Void(k *Ticket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f := t.by[k.edge]; f != nil && f.ticket == k {
		f.ticket, f.next = nil, time.Time{}
		t.nudge()
	}
}

// Run asks for grants, and renews them, until ctx ends.
func (t *Tickets) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEach)
	defer tick.Stop()
	var children sync.WaitGroup
	defer children.Wait()
	for {
		for _, e := range t.due() {
			children.Go(func() { t.get(ctx, e) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.wake:
		case <-tick.C:
		}
	}
}

// due are those whose grant is to be asked for now.
func (t *Tickets) due() (list []Edge) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for e, f := range t.by {
		switch {
		case f.asking:
		case now.Sub(f.used) > unwanted && !f.used.IsZero():
			delete(t.by, e)
		case !now.Before(f.next):
			f.asking = true
			list = append(list, e)
		}
	}
	return list
}

func (t *Tickets) get(ctx context.Context, e Edge) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	asked := t.now()
	g, err := t.ask(ctx, e)
	var k *Ticket
	life := time.Duration(g.Seconds) * time.Second
	if err == nil && len(g.ID) == idSize {
		var s *sealer
		if s, err = newSealer([idSize]byte(g.ID), g.Key, e.Name, t.balancer); err == nil {
			k = &Ticket{sealer: s, edge: e, until: asked.Add(life * 3 / 4)}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.by[e]
	if f == nil {
		return
	}
	f.asking = false
	if k == nil {
		f.next = t.now().Add(askAgain)
		return
	}
	f.ticket, f.next = k, asked.Add(life/2)
}

// Seal appends the head of a request, sealed, and says its number.
func (k *Ticket) Seal(dst, head []byte) (text []byte, number uint64) {
	number = k.last.Add(1)
	return k.seal(dst, asking, number, head), number
}

// Open opens the head of the answer to the request of that number.
func (k *Ticket) Open(text []byte, number uint64) ([]byte, error) {
	_, _, raw, err := split(text)
	if err != nil {
		return nil, err
	}
	return k.open(answering, number, raw)
}
