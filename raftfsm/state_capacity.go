package raftfsm

import (
	"fmt"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// stated takes the capacity that an edge states. One by which the limits of others
// would fall waits for Accept; so does the joining of a new edge with it.
func (ch *change) stated(e *wire.Edge, capacity int) {
	asks := *e
	asks.Capacity = capacity
	lowers := ch.before.Streams.Len() > 0 && capacity > e.Capacity && ring.Lowers(ch.before, asks)
	switch {
	case ring.InRing(e.State) && lowers:
		e.Asks = capacity
		return
	case e.State == wire.EdgePending && (ch.before.Streams.Len() == 0 || !ring.Lowers(ch.before, asks)):
		e.State, e.Since = wire.EdgeJoining, ch.version
	case e.State == wire.EdgeJoining && lowers:
		e.State = wire.EdgePending
	}
	e.Capacity, e.Asks = capacity, 0
}

// accept lets an edge join that waits, or gives a member the capacity that it asks
// for: by an operator, who knows that the limits of the others fall by it.
func accept(ch *change) error {
	e, ok := ch.before.Edge(ch.c.Name)
	switch {
	case !ok:
		return fmt.Errorf("%w edge %q", ErrUnknown, cut(ch.c.Name))
	case e.State == wire.EdgePending:
		e.State, e.Since = wire.EdgeJoining, ch.version
		ch.setEdge(e)
		ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s is accepted%s and copies what it will hold.", e.Name, ch.by())})
		return nil
	case e.Asks == 0:
		return fmt.Errorf("%w: edge %s is %s and waits for nothing", ErrRefused, e.Name, e.State)
	}
	e.Capacity, e.Asks, e.Since = e.Asks, 0, ch.version
	ch.setEdge(e)
	ch.settle(ring.AnchorCurrent)
	ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s has a capacity of %d now%s: %s.", e.Name, e.Capacity, ch.by(), ch.moves())})
	return nil
}
