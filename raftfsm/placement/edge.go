package placement

import (
	"fmt"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// edgeUp takes an edge in, or notes that one is there again. While no stream is
// placed there is nothing to copy, so an edge is up at once, unless it has to wait.
func edgeUp(ch *change) error {
	if err := checkEdge(ch.c.Edge); err != nil {
		return err
	}
	if ch.c.After != "" {
		if err := CheckName("edge", ch.c.After); err != nil {
			return err
		}
	}
	given := *ch.c.Edge
	known, ok := ch.before.Edge(given.Name)
	if !ok {
		return ch.newEdge(given)
	}
	if given.Incarnation < known.Incarnation {
		return fmt.Errorf("%w: edge %s: incarnation %d is older than %d", ErrStale, given.Name, given.Incarnation, known.Incarnation)
	}
	e := known
	e.Stopped = false
	e.HTTP, e.Admin, e.Public, e.Zone, e.Incarnation, e.Assumed = given.HTTP, given.Admin, given.Public, given.Zone, given.Incarnation, given.Assumed
	ch.stated(&e, given.Capacity)
	restarted := e.Incarnation > known.Incarnation
	switch {
	case known.State == wire.EdgeDown,
		restarted && ring.InRing(known.State):
		ch.edgeBack(known, e)
	case e != known:
		ch.edgeRefreshed(known, e, restarted)
	}
	return nil
}

func (ch *change) newEdge(given wire.Edge) error {
	if len(ch.before.Edges) >= MaxEdges {
		return fmt.Errorf("%w: edge %s: the cluster has %d edges already", ErrLimit, given.Name, MaxEdges)
	}
	e := wire.Edge{
		Name: given.Name, HTTP: given.HTTP, Admin: given.Admin, Public: given.Public, Capacity: given.Capacity, Assumed: given.Assumed, Zone: given.Zone, Incarnation: given.Incarnation,
		State: wire.EdgeJoining, After: ch.c.After, Since: ch.version,
	}
	p, waits := ch.edit(), !ch.foundingYet() && ring.Lowers(ch.before, e)
	if p.Streams.Len() == 0 && !waits {
		e.State, e.After = wire.EdgeUp, ""
		p.Edges = append(p.Edges, e)
		ch.form()
		ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s has registered and is up.", e.Name)})
		return nil
	}
	if e.After == "" && e.Zone != "" {
		e.After = ring.PlaceFor(ch.before, e)
	}
	text := fmt.Sprintf("%s has registered and copies what it will hold.", e.Name)
	if waits {
		e.State = wire.EdgePending
		text = fmt.Sprintf("%s has registered: its capacity of %d would lower the others' limits, so it waits to be accepted.", e.Name, e.Capacity)
	}
	p.Edges = append(p.Edges, e)
	p.Index()
	ch.event(wire.Event{Edge: e.Name, Text: text})
	return nil
}

// form builds the ring anew, which is possible while it holds no stream.
func (ch *change) form() {
	if ch.foundingYet() {
		ch.assume()
	}
	ch.next = ring.Form(ch.edit().Index())
	ch.ringChanged()
	ch.settle(ring.AnchorHome)
}

// edgeBack is the return of a member under a new process, or of one that was
// declared dead and was only slow. It delivers nothing until it has copied. One that
// was dead and being taken out stays; one that was leaving goes on to leave.
func (ch *change) edgeBack(known, e wire.Edge) {
	e.State, e.Since = wire.EdgeRecovering, ch.version
	e.Removing = known.Removing && known.State != wire.EdgeDown
	empty := ch.before.Streams.Len() == 0
	switch {
	case empty && e.Removing:
		e.State = wire.EdgeLeaving
	case empty:
		e.State = wire.EdgeUp
	}
	ch.setEdge(e)
	switch {
	case empty && e.Capacity != known.Capacity:
		ch.form()
	case empty:
		ch.settle(ring.AnchorHome)
	default:
		ch.settle(ring.AnchorCurrent)
	}
	text := fmt.Sprintf("%s is back and copies what it has missed: %s.", e.Name, ch.moves())
	if empty {
		text = fmt.Sprintf("%s is back and up: no stream is placed.", e.Name)
	}
	// A process that was replaced before anybody missed it has died all the same.
	if ring.HasCopy(known.State) {
		ch.died(known, "restarted")
	}
	if empty {
		ch.returned(e.Name)
	}
	ch.event(wire.Event{Edge: e.Name, Text: text})
}

// edgeRefreshed takes new addresses, another capacity or zone. A ring without streams
// is built anew by those.
func (ch *change) edgeRefreshed(known, e wire.Edge, restarted bool) {
	if restarted || e.Capacity != known.Capacity {
		e.Since = ch.version
	}
	ch.setEdge(e)
	another := e.Capacity != known.Capacity || e.Zone != known.Zone
	switch {
	case another && ch.before.Streams.Len() == 0 && ring.InRing(e.State):
		ch.form()
	case e.Capacity != known.Capacity:
		ch.settle(ring.AnchorCurrent)
	}
	text := fmt.Sprintf("%s has registered again, capacity %d.", e.Name, e.Capacity)
	if e.Asks != 0 {
		text = fmt.Sprintf("%s states a capacity of %d, by which the others' limits would fall: it has %d until that is accepted.", e.Name, e.Asks, e.Capacity)
	}
	ch.event(wire.Event{Edge: e.Name, Text: text})
}

// edgeDown is a death. Only a message about the present incarnation counts.
func edgeDown(ch *change) error {
	e, ok := ch.before.Edge(ch.c.Name)
	if !ok {
		return fmt.Errorf("%w edge %q", ErrUnknown, cut(ch.c.Name))
	}
	if ch.c.Incarnation != e.Incarnation {
		return fmt.Errorf("%w: edge %s: incarnation %d, it is at %d", ErrStale, e.Name, ch.c.Incarnation, e.Incarnation)
	}
	switch e.State {
	case wire.EdgeDown:
		return nil
	case wire.EdgeJoining, wire.EdgePending:
		ch.dropEdge(e.Name)
		ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s has gone before it joined%s.", e.Name, ch.by())})
		return nil
	}
	gone := e
	gone.State, gone.Since, gone.Stopped = wire.EdgeDown, ch.version, ch.c.Cause == wire.CauseStopping
	ch.setEdge(gone)
	ch.settle(ring.AnchorCurrent)
	if gone.Stopped { // a planned takeover: it serves until its neighbours do, and nobody has died
		ch.event(wire.Event{Kind: "edge_stopping", Edge: e.Name, Text: fmt.Sprintf("%s stops and hands over what it has: %s.", e.Name, ch.moves())})
		return nil
	}
	ch.died(e, ch.c.Cause)
	ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s is down%s: %s.", e.Name, ch.by(), ch.moves())})
	return nil
}

// edgeReady makes a recovering edge a member that delivers, and a joining one a
// member.
func edgeReady(ch *change) error {
	e, ok := ch.before.Edge(ch.c.Name)
	if !ok {
		return fmt.Errorf("%w edge %q", ErrUnknown, cut(ch.c.Name))
	}
	if ch.c.Incarnation != e.Incarnation {
		return fmt.Errorf("%w: edge %s: incarnation %d, it is at %d", ErrStale, e.Name, ch.c.Incarnation, e.Incarnation)
	}
	if e.State == wire.EdgeUp {
		return nil
	}
	if e.State != wire.EdgeRecovering && e.State != wire.EdgeJoining || ring.Goes(e) {
		return fmt.Errorf("%w: edge %s is %s", ErrRefused, e.Name, e.State)
	}
	if ch.c.Version < e.Since {
		return fmt.Errorf("%w: edge %s has copied by version %d, it needs %d", ErrStale, e.Name, ch.c.Version, e.Since)
	}
	if e.State == wire.EdgeJoining {
		ch.next = ring.Join(ch.before, e.Name, e.After)
		ch.ringChanged()
		ch.setState(e.Name, wire.EdgeUp)
		ch.settle(ring.AnchorHome)
		ch.event(wire.Event{Kind: "joined", Edge: e.Name, Text: fmt.Sprintf("%s has joined the ring: %s.", e.Name, ch.moves())})
		return nil
	}
	ch.setState(e.Name, wire.EdgeUp)
	ch.settle(ring.AnchorHome)
	ch.returned(e.Name)
	ch.event(wire.Event{Edge: e.Name, Text: fmt.Sprintf("%s is up again: %s.", e.Name, ch.moves())})
	return nil
}
