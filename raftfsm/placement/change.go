package placement

import (
	"fmt"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// change is one command being carried out.
type change struct {
	c       *Command
	version uint64
	before  *wire.Placement // read-only
	next    *wire.Placement // before, until edit has made it a copy
	secrets secrets         // a copy; what it points to is read-only
	tallies tallies         // likewise
	deaths  []wire.Receipt  // read-only: replaced, never changed in place
	audited []wire.Audited  // what the command brings in
	plan    ring.Plan
	events  []wire.Event
}

// edit makes next a placement that may be changed.
func (ch *change) edit() *wire.Placement {
	if ch.next == ch.before {
		ch.next = ring.Copy(ch.before)
	}
	return ch.next
}

// setEdge puts an edge in the place of the one of its name.
func (ch *change) setEdge(e wire.Edge) {
	p := ch.edit()
	for i := range p.Edges {
		if p.Edges[i].Name == e.Name {
			p.Edges[i] = e
		}
	}
}

// setState gives an edge another state, from this version on.
func (ch *change) setState(name string, state wire.EdgeState) {
	if e, ok := ch.next.Edge(name); ok {
		e.State, e.Since = state, ch.version
		ch.setEdge(e)
	}
}

// dropEdge takes out an edge that stands in no pair.
func (ch *change) dropEdge(name string) {
	p := ch.edit()
	edges := make([]wire.Edge, 0, len(p.Edges))
	for _, e := range p.Edges {
		if e.Name != name {
			edges = append(edges, e)
		}
	}
	p.Edges = edges
	p.Index()
}

// ringChanged lets all who are copying begin anew: with other neighbours they
// have other things to copy, and what they report of an older version no
// longer makes them ready.
func (ch *change) ringChanged() {
	p := ch.edit()
	for i := range p.Edges {
		if e := &p.Edges[i]; !ring.InRing(e.State) || e.State == wire.EdgeRecovering || ring.Goes(*e) {
			e.Since = ch.version
		}
	}
}

// settle finds the boundaries anew and ends the pairs that were retiring before
// this command and are empty. A pair that retires by this command stays: the
// load is older than that, and a session may have come since.
func (ch *change) settle(anchor ring.Anchor) {
	loads := usable(ch.next, ch.c.Loads)
	ch.plan = ring.Settle(ch.next, loads, anchor)
	if len(ch.plan.Boundaries) > 0 || len(ch.plan.Adopted) > 0 {
		ch.next = ch.plan.ApplyTo(ch.next)
	}
	ch.plan.Moved = ring.Moved(ch.before, ch.next, loads) // what a ring change has moved included
	var old []ring.Load
	for _, l := range loads {
		if q, ok := ch.before.Pair(l.Pair); ok && q.Retiring && len(l.Taken) == 0 {
			old = append(old, l)
		}
	}
	if len(old) > 0 {
		ch.next = ring.Prune(ch.next, old)
	}
	told := uint64(0)
	if ch.c.Kind == Settle {
		told = ch.c.Version
	}
	ch.next = ring.Fit(ch.next, loads, told)
}

// event notes what happened. Every command that changes more than the version
// notes one event.
func (ch *change) event(e wire.Event) {
	e.Time, e.Version = ch.c.At, ch.version
	if e.Kind == "" {
		e.Kind = string(ch.c.Kind)
	}
	ch.events = append(ch.events, e)
}

// moves tells in a clause what the plan did.
func (ch *change) moves() string {
	text := fmt.Sprintf("%s moved, %s changed edges", count(len(ch.plan.Boundaries), "boundary", "boundaries"),
		count(ch.plan.Moved, "session", "sessions"))
	if ch.plan.Lost > 0 {
		text += fmt.Sprintf(", %d found no room", ch.plan.Lost)
	}
	return text
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// by tells in brackets who proposed and why.
func (ch *change) by() string {
	switch {
	case ch.c.By == "" && ch.c.Cause == "":
		return ""
	case ch.c.By == "":
		return " (" + ch.c.Cause + ")"
	case ch.c.Cause == "":
		return " (by " + ch.c.By + ")"
	}
	return " (" + ch.c.Cause + ", by " + ch.c.By + ")"
}
