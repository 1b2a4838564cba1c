package placement

import (
	"cmp"
	"fmt"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// A cluster is being founded until its first stream is placed: edges of any capacities
// come up as they are started. From then on what would lower the others' limits waits,
// also when no stream is placed any more. That is in the command, by its proposer's
// state, so that all replicas find the same, whatever build wrote their snapshots.
func (ch *change) foundingYet() bool { return ch.before.Streams.Len() == 0 && !ch.c.Held }

// completed is a command with what its proposer knows: of an edge that registers,
// whether the cluster is being founded, and the capacity of one that states none. That
// is the one it has, or the least of the others'; for the first one its own guess.
func completed(c Command, p *wire.Placement, founding bool) Command {
	if c.Kind != EdgeUp || c.Edge == nil {
		return c
	}
	c.Held = !founding
	if !c.Edge.Assumed {
		return c
	}
	e := *c.Edge
	if known, ok := p.Edge(e.Name); ok && ring.InRing(known.State) {
		e.Capacity = known.Capacity
	} else if least := ring.LeastCapacity(p, e.Name); least > 0 {
		e.Capacity = least
	}
	c.Edge = &e
	return c
}

// assume gives those that state no capacity, in a cluster that is being founded, the
// least that another states: whoever comes first, it comes out alike.
func (ch *change) assume() {
	p := ch.edit()
	for i := range p.Edges {
		if e := &p.Edges[i]; e.Assumed && ring.InRing(e.State) {
			e.Capacity = cmp.Or(ring.LeastCapacity(p, e.Name), e.Capacity)
		}
	}
}

// stated takes the capacity that an edge states. One by which the limits of others
// would fall waits for Accept; so does the joining of a new edge with it.
func (ch *change) stated(e *wire.Edge, capacity int) {
	asks := *e
	asks.Capacity = capacity
	lowers := !ch.foundingYet() && capacity > e.Capacity && ring.Lowers(ch.before, asks)
	switch {
	case ring.InRing(e.State) && lowers:
		e.Asks = capacity
		return
	case e.State == wire.EdgePending && (ch.foundingYet() || !ring.Lowers(ch.before, asks)):
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
