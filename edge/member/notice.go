package member

import (
	"sort"

	"tandem/internal/wire"
)

// noticeMark is how new a notice is; the higher one wins.
type noticeMark struct {
	incarnation, sequence uint64
}

func (m noticeMark) before(o noticeMark) bool {
	return m.incarnation < o.incarnation || m.incarnation == o.incarnation && m.sequence < o.sequence
}

// notice writes what the partner does not know yet (figure 5, figure 12). Until
// it is acknowledged, or lost, the next one is not made.
func (t *table) notice(me string, incarnation, version uint64) *wire.Notice {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sequence++
	n := &wire.Notice{
		Edge: me, Incarnation: incarnation, Sequence: t.sequence, Pair: t.pair.ID, Boundary: t.pair.Boundary, Version: version, Full: t.full,
	}
	if t.full {
		for slot := range t.sessions {
			if within(t.own, slot) {
				t.news[slot] = t.sessions[slot].generation
			}
		}
		t.told = map[int]uint32{}
	}
	slots := make([]int, 0, len(t.news))
	for slot := range t.news {
		slots = append(slots, slot)
	}
	sort.Ints(slots)
	if len(slots) > wire.MaxNoticeChanges {
		slots = slots[:wire.MaxNoticeChanges]
		n.Full = false // the rest comes with the next one, which can't replace this one
	}
	for _, slot := range slots {
		n.Changes = append(n.Changes, t.change(slot))
	}
	return n
}

// change is one slot's news. The caller holds mu.
func (t *table) change(slot int) wire.Change {
	s := t.sessions[slot]
	if s == nil {
		return wire.Change{Slot: slot, Generation: t.news[slot], Gone: true}
	}
	c := wire.Change{Slot: slot, Generation: s.generation, Seen: s.seen, Position: s.position, Path: s.path}
	if t.told[slot] != s.generation {
		c.Stream, c.Viewer, c.Opened = s.stream, s.viewer, s.opened
	}
	return c
}

// acknowledged notes that the partner has a notice: what has not changed since
// is no news any more.
func (t *table) acknowledged(n *wire.Notice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n.Full {
		t.full = false
	}
	for _, c := range n.Changes {
		s := t.sessions[c.Slot]
		switch {
		case c.Gone:
			if s == nil && t.news[c.Slot] == c.Generation {
				delete(t.news, c.Slot)
			}
		case s != nil && s.generation == c.Generation:
			t.told[c.Slot] = c.Generation
			if s.seen == c.Seen && s.position == c.Position && s.path == c.Path {
				delete(t.news, c.Slot)
			}
		}
	}
}

// startOver makes the next notice a full one.
func (t *table) startOver() {
	t.mu.Lock()
	t.full = true
	t.mu.Unlock()
}

// take mirrors a notice. False: it is older than what is known, or speaks of
// sessions that this edge never heard of, so that a full one is needed.
func (t *table) take(n *wire.Notice) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	mark := noticeMark{n.Incarnation, n.Sequence}
	if !t.last.before(mark) || n.Edge != t.partner {
		return false
	}
	if mark.incarnation != t.last.incarnation {
		t.full = true // a new life knows nothing
	}
	t.last = mark
	if n.Full {
		t.heard = n.Incarnation
		there := make(map[int]bool, len(n.Changes))
		for _, c := range n.Changes {
			there[c.Slot] = true
		}
		for slot := range t.sessions {
			if !there[slot] && !within(t.own, slot) {
				t.forget(slot)
			}
		}
	}
	known := true
	for i := range n.Changes {
		known = t.mirror(&n.Changes[i]) && known
	}
	return known
}

// mirror takes one slot's news. Of a slot that this edge delivers, news can only
// be what the former deliverer did before it heard of the change: newer times
// and positions of the very same session. False: more has to be told of it.
func (t *table) mirror(c *wire.Change) bool {
	if c.Slot < 0 || c.Slot >= t.pair.Slots {
		return true
	}
	s := t.sessions[c.Slot]
	mine := within(t.own, c.Slot)
	same := s != nil && s.generation == c.Generation
	switch {
	case c.Gone:
		if same && !mine {
			t.forget(c.Slot)
		}
	case same:
		if c.Seen >= s.seen {
			s.seen, s.position, s.path = c.Seen, c.Position, c.Path
		}
	case mine && s != nil:
	case c.Stream == "":
		return false
	default:
		if s != nil {
			t.forget(c.Slot)
		}
		t.slots.Set(c.Slot)
		t.sessions[c.Slot] = &session{
			generation: c.Generation, stream: c.Stream, viewer: c.Viewer, opened: c.Opened, seen: c.Seen, position: c.Position, path: c.Path,
		}
	}
	return true
}

// forget drops a mirrored slot; the partner need not be told. The caller holds mu.
func (t *table) forget(slot int) {
	if s := t.sessions[slot]; s != nil {
		delete(t.aliases, s.alias)
	}
	delete(t.sessions, slot)
	delete(t.news, slot)
	delete(t.told, slot)
	t.slots.Free(slot)
}
