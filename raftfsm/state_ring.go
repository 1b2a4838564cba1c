package raftfsm

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

// resume takes a drain or a removal back.
func resume(ch *change) error {
	e, ok := ch.before.Edge(ch.c.Name)
	switch {
	case !ok:
		return fmt.Errorf("%w edge %q", ErrUnknown, cut(ch.c.Name))
	case e.State == wire.EdgeUp:
		return nil
	case e.State != wire.EdgeDraining && e.State != wire.EdgeLeaving:
		return fmt.Errorf("%w: edge %s is %s; only a draining or leaving edge can be resumed", ErrRefused, e.Name, e.State)
	}
	ch.setState(e.Name, wire.EdgeUp)
	ch.settle(ring.AnchorHome)
	ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s is up again%s: %s.", e.Name, ch.by(), ch.moves())})
	return nil
}

// remove takes an edge out for good. One that holds content leaves when its
// neighbours have copied; one that is dead, or that has not copied itself yet,
// has nothing to give and leaves at once.
func remove(ch *change) error {
	e, ok := ch.before.Edge(ch.c.Name)
	if !ok {
		return fmt.Errorf("%w edge %q", ErrUnknown, cut(ch.c.Name))
	}
	switch e.State {
	case wire.EdgeLeaving:
		return nil
	case wire.EdgeJoining:
		ch.dropEdge(e.Name)
		ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s no longer joins%s.", e.Name, ch.by())})
		return nil
	}
	if ch.last(e.Name) {
		return fmt.Errorf("%w: edge %s is the last one of the ring", ErrRefused, e.Name)
	}
	if e.State == wire.EdgeDown || e.State == wire.EdgeRecovering {
		ch.leave(e.Name)
		ch.event(wire.Event{Kind: "left", Edge: e.Name, Text: fmt.Sprintf("%s is out of the ring%s: %s.", e.Name, ch.by(), ch.moves())})
		return nil
	}
	if e.State == wire.EdgeUp && !ch.othersDeliver(e.Name) {
		return fmt.Errorf("%w: edge %s is the last one that delivers", ErrRefused, e.Name)
	}
	ch.setState(e.Name, wire.EdgeLeaving)
	ch.settle(ring.AnchorCurrent)
	ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s leaves%s: %s.", e.Name, ch.by(), ch.moves())})
	return nil
}

// left lets a leaving edge go out of the ring.
func left(ch *change) error {
	e, ok := ch.before.Edge(ch.c.Name)
	switch {
	case !ok:
		return fmt.Errorf("%w edge %q", ErrUnknown, cut(ch.c.Name))
	case e.State != wire.EdgeLeaving:
		return fmt.Errorf("%w: edge %s is %s, not leaving", ErrRefused, e.Name, e.State)
	case ch.c.Version != 0 && ch.c.Version < e.Since:
		return fmt.Errorf("%w: the neighbours of %s have copied by version %d, they need %d", ErrStale, e.Name, ch.c.Version, e.Since)
	case ch.last(e.Name):
		return fmt.Errorf("%w: edge %s is the last one of the ring", ErrRefused, e.Name)
	}
	ch.leave(e.Name)
	ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s has left the ring: %s.", e.Name, ch.moves())})
	return nil
}

func (ch *change) leave(name string) {
	ch.next = ring.Leave(ch.before, name)
	ch.ringChanged()
	ch.settle(ring.AnchorHome)
}

// last tells whether no other member would stay.
func (ch *change) last(name string) bool {
	for _, e := range ring.Members(ch.before) {
		if e.Name != name && e.State != wire.EdgeLeaving {
			return false
		}
	}
	return true
}

func (ch *change) othersDeliver(name string) bool {
	for _, e := range ch.before.Edges {
		if e.Name != name && ring.Delivers(e.State) {
			return true
		}
	}
	return false
}
