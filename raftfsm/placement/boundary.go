package placement

import (
	"fmt"
	"slices"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// moveBoundary makes room on one side of a pair. It holds only if the boundary
// still is where the proposer saw it. While somebody of the pair is missing the
// boundary belongs to the takeover.
//
// Home moves along, except while the boundary is away from it because an edge
// of the ring is missing: then what has to come back is the boundary from before
// the failure (claims 32, 33).
func moveBoundary(ch *change) error {
	q, ok := ch.before.Pair(ch.c.Pair)
	if !ok {
		return fmt.Errorf("%w pair %d", ErrUnknown, ch.c.Pair)
	}
	for _, name := range []string{q.Low, q.High} {
		if e, ok := ch.before.Edge(name); !ok || !ring.Delivers(e.State) {
			return fmt.Errorf("%w: pair %d: member %q does not deliver", ErrRefused, q.ID, name)
		}
	}
	to := ch.c.Boundary
	switch {
	case q.Retiring:
		return fmt.Errorf("%w: pair %d is retiring", ErrRefused, q.ID)
	case to < 0 || to > q.Slots:
		return fmt.Errorf("%w: pair %d: boundary %d: want 0 to %d", ErrMalformed, q.ID, to, q.Slots)
	case ch.c.Before != q.Boundary:
		return fmt.Errorf("%w: pair %d: the boundary is %d, not %d", ErrStale, q.ID, q.Boundary, ch.c.Before)
	}
	home := to
	if q.Boundary != q.Home && !allDeliver(ch.before) {
		home = q.Home
	}
	if q.Boundary == to && q.Home == home {
		return nil
	}
	ch.plan.Boundaries = []wire.BoundaryMove{{Pair: q.ID, Before: q.Boundary, After: to}}
	p := ch.edit()
	for i := range p.Pairs {
		if p.Pairs[i].ID == q.ID {
			p.Pairs[i].Boundary, p.Pairs[i].Home = to, home
		}
	}
	text := fmt.Sprintf("The boundary of pair %d (%s, %s) moved from %d to %d.", q.ID, q.Low, q.High, q.Boundary, to)
	if to == q.Boundary {
		text = fmt.Sprintf("The boundary of pair %d (%s, %s) is at home at %d now, where it is: nobody is away.", q.ID, q.Low, q.High, to)
	}
	ch.event(wire.Event{Pair: q.ID, Text: text})
	return nil
}

func allDeliver(p *wire.Placement) bool {
	for _, e := range ring.Members(p) {
		if !ring.Delivers(e.State) {
			return false
		}
	}
	return true
}

// settle finds boundaries anew under which nobody is above capacity.
func settle(ch *change) error {
	ch.settle(ring.AnchorCurrent)
	ended := len(ch.before.Pairs) - len(ch.next.Pairs)
	resized := slices.ContainsFunc(ch.next.Pairs, func(q wire.Pair) bool {
		was, _ := ch.before.Pair(q.ID)
		return was.Slots != q.Slots
	})
	if len(ch.plan.Boundaries) == 0 && len(ch.plan.Adopted) == 0 && ended == 0 && !resized {
		return nil
	}
	text := fmt.Sprintf("Boundaries were settled anew%s: %s", ch.by(), ch.moves())
	if ended > 0 {
		text += fmt.Sprintf(", %s ended", count(ended, "retiring pair", "retiring pairs"))
	}
	if resized {
		text += ", tables follow their members' capacity"
	}
	ch.event(wire.Event{Text: text + "."})
	return nil
}
