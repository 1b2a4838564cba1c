package placement

import (
	"fmt"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// drain lets an edge deliver nothing by the tables while it stays a copy.
func drain(ch *change) error {
	e, ok := ch.before.Edge(ch.c.Name)
	switch {
	case !ok:
		return fmt.Errorf("%w edge %q", ErrUnknown, cut(ch.c.Name))
	case e.State == wire.EdgeDraining:
		return nil
	case e.State != wire.EdgeUp:
		return fmt.Errorf("%w: edge %s is %s; only an edge that is up can be drained", ErrRefused, e.Name, e.State)
	case !ch.othersDeliver(e.Name):
		return fmt.Errorf("%w: edge %s is the last one that delivers", ErrRefused, e.Name)
	}
	ch.setState(e.Name, wire.EdgeDraining)
	ch.settle(ring.AnchorCurrent)
	ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s drains%s: %s.", e.Name, ch.by(), ch.moves())})
	return nil
}

// resume takes a drain or a removal back. An edge that is not up by itself, being
// dead or not yet copied, only stays in the ring.
func resume(ch *change) error {
	e, ok := ch.before.Edge(ch.c.Name)
	switch {
	case !ok:
		return fmt.Errorf("%w edge %q", ErrUnknown, cut(ch.c.Name))
	case e.State == wire.EdgeUp:
		return nil
	case e.State == wire.EdgeDraining, e.State == wire.EdgeLeaving:
		e.State, e.Since = wire.EdgeUp, ch.version
	case !e.Removing:
		return fmt.Errorf("%w: edge %s is %s; only a draining or leaving edge can be resumed", ErrRefused, e.Name, e.State)
	}
	e.Removing = false
	ch.setEdge(e)
	if e.State != wire.EdgeUp {
		ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s is %s and stays in the ring%s.", e.Name, e.State, ch.by())})
		return nil
	}
	ch.settle(ring.AnchorHome)
	ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s is up again%s: %s.", e.Name, ch.by(), ch.moves())})
	return nil
}

// remove takes an edge out for good, whatever its state, by one way: its successors
// are given content and tables of its pairs, and when they hold them it is out
// (Left). Until then one that was up goes on delivering. One that has not joined yet
// has nothing to give and goes at once.
func remove(ch *change) error {
	e, ok := ch.before.Edge(ch.c.Name)
	switch {
	case !ok:
		return fmt.Errorf("%w edge %q", ErrUnknown, cut(ch.c.Name))
	case ring.Goes(e):
		return nil
	case !ring.InRing(e.State):
		ch.dropEdge(e.Name)
		ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s no longer joins%s.", e.Name, ch.by())})
		return nil
	case ch.last(e.Name):
		return fmt.Errorf("%w: edge %s is the last one of the ring", ErrRefused, e.Name)
	case e.State == wire.EdgeUp && !ch.othersDeliver(e.Name):
		return fmt.Errorf("%w: edge %s is the last one that delivers", ErrRefused, e.Name)
	}
	was := e.State
	e.Removing, e.Since = true, ch.version
	if e.State == wire.EdgeUp {
		e.State = wire.EdgeLeaving
	}
	ch.setEdge(e)
	ch.settle(ring.AnchorCurrent) // what was given to it goes elsewhere
	ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s is %s and leaves%s when its neighbours hold what they need: %s.", e.Name, was, ch.by(), ch.moves())})
	return nil
}

// left lets an edge go out of the ring whose successors hold what they need.
func left(ch *change) error {
	e, ok := ch.before.Edge(ch.c.Name)
	switch {
	case !ok:
		return fmt.Errorf("%w edge %q", ErrUnknown, cut(ch.c.Name))
	case !ring.Goes(e):
		return fmt.Errorf("%w: edge %s is %s, not leaving", ErrRefused, e.Name, e.State)
	case ch.c.Version < e.Since:
		return fmt.Errorf("%w: the neighbours of %s have copied by version %d, they need %d", ErrStale, e.Name, ch.c.Version, e.Since)
	case ch.last(e.Name):
		return fmt.Errorf("%w: edge %s is the last one of the ring", ErrRefused, e.Name)
	}
	ch.next = ring.Leave(ch.before, e.Name)
	ch.ringChanged()
	ch.settle(ring.AnchorHome)
	ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s has left the ring: %s.", e.Name, ch.moves())})
	return nil
}

// last tells whether no other member would stay.
func (ch *change) last(name string) bool {
	for _, e := range ring.Members(ch.before) {
		if e.Name != name && !ring.Goes(e) {
			return false
		}
	}
	return true
}

func (ch *change) othersDeliver(name string) bool {
	for _, e := range ch.before.Edges {
		if e.Name != name && ring.Opens(e.State) {
			return true
		}
	}
	return false
}
