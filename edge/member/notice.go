package member

import (
	"slices"

	"tandem/internal/wire"
)

// noticeHead is what of a notice is not changes, in bytes, its runs of slots aside.
const noticeHead = 1 << 10

// outgoing is a notice on its way to a watcher.
type outgoing struct {
	notice *wire.Notice
	news   []news // of the session of each change
	to     *watcher
	at     string // where it is
	size   int
}

// notice writes what a watcher does not know yet (figure 5, figure 12): what an earlier
// one has said as well, until that is acknowledged. Nil: it does not watch.
func (t *table) notice(to string, incarnation, sequence, version uint64) *outgoing {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.watchers[to]
	if w == nil {
		return nil
	}
	o := &outgoing{to: w, size: noticeHead + 10*len(t.own), notice: &wire.Notice{
		Edge: t.me, Incarnation: incarnation, Sequence: sequence, Pair: t.pair.ID, Boundary: t.pair.Boundary, Version: version, Slots: t.pair.Slots, Whole: t.told(),
	}}
	w.sent = sequence
	t.cover(o, to)
	covers := o.notice.Covers
	slots := make([]int, 0, len(w.news))
	for slot := range w.news {
		if slot < covers.From || slot >= covers.To || !t.covers(slot, to) {
			slots = append(slots, slot)
		}
	}
	slices.Sort(slots)
	for _, slot := range slots {
		if !t.add(o, slot, w.news[slot]) {
			o.notice.More = true
			break
		}
	}
	return o
}

// cover tells whole what a watcher has not been told whole: every session of this
// edge's side, and those that are the watcher's own to deliver, or nobody's: whoever
// held the table tells them once more to who delivers them now. The caller holds mu.
func (t *table) cover(o *outgoing, to string) {
	n, from := o.notice, o.to.covered
	if from >= t.pair.Slots {
		return
	}
	n.Own, n.Covers = t.own, wire.Run{From: from, To: t.pair.Slots}
	for slot := from; slot < t.pair.Slots; slot++ {
		if s := t.sessions[slot]; s != nil && t.covers(slot, to) && !t.add(o, slot, s.generation) {
			n.Covers.To, n.More = slot, true
			return
		}
	}
}

// covers tells whether a slot is one of which a watcher is told whole. The caller
// holds mu.
func (t *table) covers(slot int, to string) bool {
	owner := t.owner(slot)
	return owner == t.me || owner == to || owner == ""
}

// add writes one slot's news. False: there is no room for it. The caller holds mu.
func (t *table) add(o *outgoing, slot int, generation uint32) bool {
	c, of := t.change(o.to, slot, generation)
	if len(o.notice.Changes) == wire.MaxNoticeChanges || o.size+c.Size() > wire.MaxNotice {
		return false
	}
	o.size += c.Size()
	o.notice.Changes = append(o.notice.Changes, c)
	o.news = append(o.news, of)
	return true
}

// change is one slot's news for a watcher. The caller holds mu.
func (t *table) change(to *watcher, slot int, generation uint32) (wire.Change, news) {
	s := t.sessions[slot]
	if s == nil {
		return wire.Change{Slot: slot, Generation: generation, Gone: true}, news{}
	}
	c := wire.Change{Slot: slot, Generation: s.generation, Seen: s.seen}
	knows := to.told[slot]
	if knows.generation != s.generation {
		knows = told{}
	}
	if knows.generation == 0 || knows.news[openedNews] != s.news[openedNews] {
		c.Stream, c.Viewer, c.Opened, c.Token = s.stream, s.viewer, s.opened, s.token
	}
	if knows.news[manifestsNews] != s.news[manifestsNews] {
		c.Manifests = s.manifests
	}
	for kind := range s.tracks {
		if knows.news[kind] != s.news[kind] {
			c.Tracks = append(c.Tracks, s.tracks[kind])
		}
	}
	return c, s.news
}

// acknowledged notes that a watcher has a notice: what has not changed since is no
// news any more.
func (t *table) acknowledged(o *outgoing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w, n := o.to, o.notice
	if n.Covers.From == w.covered {
		w.covered = max(w.covered, n.Covers.To)
	}
	for i := range n.Changes {
		c := &n.Changes[i]
		s := t.sessions[c.Slot]
		switch {
		case c.Gone:
			delete(w.told, c.Slot)
			if s == nil && w.news[c.Slot] == c.Generation {
				delete(w.news, c.Slot)
			}
		case s != nil && s.generation == c.Generation:
			w.told[c.Slot] = told{c.Generation, o.news[i]}
			if s.seen == c.Seen && s.news == o.news[i] {
				delete(w.news, c.Slot)
			}
		}
	}
}

// refused makes the next notices to a watcher tell everything: it has not got what
// an earlier one said. One that came after a later one had overtaken it was too old.
func (t *table) refused(o *outgoing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.notice.Sequence == o.to.sent {
		o.to.startOver()
	}
}

// forgetTelling begins anew with all watchers, as a new life of this edge.
func (t *table) forgetTelling() {
	t.mu.Lock()
	for _, w := range t.watchers {
		w.startOver()
		w.heard, w.current, w.whole = 0, 0, 0
	}
	t.mu.Unlock()
}

// take mirrors a notice. False: it is older than what is known, or not all that came
// before it did, so that everything has to be told anew.
func (t *table) take(n *wire.Notice) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.watchers[n.Edge]
	mark := noticeMark{n.Incarnation, n.Sequence}
	if w == nil || !w.last.before(mark) {
		return false
	}
	if n.Incarnation != w.last.incarnation && w.last.incarnation != 0 {
		w.startOver() // a new life knows nothing
		w.heard, w.current, w.whole = 0, 0, 0
	}
	w.last, w.incarnation = mark, max(w.incarnation, n.Incarnation)
	if n.Covers.From == 0 && n.Covers.To > 0 {
		w.heard = 0
	}
	known := true
	if n.Covers.From < n.Covers.To {
		if n.Covers.From > w.heard {
			return false
		}
		known = t.clear(n, w)
		w.heard = min(n.Covers.To, t.pair.Slots) // what is beyond is told again when it is here
	} else if w.heard < n.Slots {
		return false
	}
	for i := range n.Changes {
		c := &n.Changes[i]
		known = t.mirror(n, c) && known
		if s := t.sessions[c.Slot]; n.Version > t.version && s != nil && s.generation == c.Generation && t.owner(c.Slot) != n.Edge {
			s.ahead = n.Version
		}
	}
	if known && w.heard >= n.Slots && !n.More {
		w.current = n.Version
		if n.Whole {
			w.whole = n.Version
		}
	}
	return known
}

// clear drops what is mirrored of the slots that a notice covers and that it does
// not name: they are free at who delivers them. What this edge has still to tell that
// one stays, and so does what by the placement here is another one's to deliver.
// False: as mirror says. The caller holds mu.
func (t *table) clear(n *wire.Notice, from *watcher) (known bool) {
	named := make(map[int]bool, len(n.Changes))
	for i := range n.Changes {
		named[n.Changes[i].Slot] = true
	}
	known = true
	for slot, s := range t.sessions {
		_, news := from.news[slot]
		switch {
		case slot < n.Covers.From || slot >= n.Covers.To || !within(n.Own, slot) || named[slot] || news:
		case t.owner(slot) == n.Edge || t.owner(slot) == "":
			t.forget(slot)
		default:
			known = t.insist(n, slot, s) && known
		}
	}
	return known
}

// insist says again who is in a slot to one who takes it for free, or another's. False:
// that one follows a newer placement; once this edge does, it has to hear it again.
func (t *table) insist(n *wire.Notice, slot int, s *session) bool {
	if n.Version > t.version {
		return false
	}
	w := t.watchers[n.Edge]
	delete(w.told, slot)
	w.news[slot] = s.generation
	return true
}

// mirror takes one slot's news. Of a slot that this edge delivers, news can only be
// what the former deliverer did before it heard of the change, or what another one
// mirrored of it: newer times and positions of the very same session, or a session of
// which this edge knows nothing. Of a slot that is free, whoever delivers it says so,
// and whatever is mirrored of it goes: between two notices it may have been another
// viewer's. False: more has to be told of it.
func (t *table) mirror(n *wire.Notice, c *wire.Change) bool {
	if c.Slot < 0 || c.Slot >= t.pair.Slots {
		return true
	}
	s, owner := t.sessions[c.Slot], t.owner(c.Slot)
	same, mine := s != nil && s.generation == c.Generation, owner == t.me
	seen, ended := t.ended.Has(c.Slot, c.Generation)
	switch {
	case c.Gone && s == nil:
		t.hearEnd(n, c, owner, 0)
	case c.Gone && (owner == n.Edge || owner == "" && same):
		if s.ahead <= t.version { // else it is another one's, by a placement that is on its way here
			t.hearEnd(n, c, owner, s.seen)
			t.forget(c.Slot)
		}
	case c.Gone:
		return t.insist(n, c.Slot, s)
	case same:
		older := !mine && c.Stream != "" && s.opened < c.Opened // it was taken back there by its token, and was never away
		t.update(c, s, mine)
		return !older || t.insist(n, c.Slot, s)
	case mine && s != nil:
		return t.insist(n, c.Slot, s)
	case mine && ended && c.Seen <= seen:
		t.tell(c.Slot, c.Generation) // it has not heard of the end
	case !mine && owner != "" && owner != n.Edge && ended:
		// Nor has this one, and whose slot it is by now may know of no session to end: but where
		// that is who tells of it, by a placement that is on its way here.
		return n.Version <= t.version
	case c.Stream == "":
		return false
	case s != nil && owner != n.Edge && c.Opened <= s.opened:
		// Who does not deliver the slot has not heard of the session that is in it now.
		return n.Version <= t.version
	default:
		t.forget(c.Slot)
		s = &session{generation: c.Generation, stream: c.Stream, viewer: c.Viewer, opened: c.Opened, token: c.Token}
		t.update(c, s, false)
		t.bind(c.Slot, s)
		if w := t.watchers[owner]; w != nil && owner != n.Edge { // who tells of it may die before it has told who delivers it
			w.news[c.Slot] = c.Generation
		}
		if mine {
			t.tell(c.Slot, s.generation)
			t.late = append(t.late, t.inherit(c.Slot, s))
		}
	}
	return true
}

// hearEnd notes that who delivers a slot says of a session that it has ended: the one before may
// tell of that once more, by a notice that was on its way for longer. The caller holds mu.
func (t *table) hearEnd(n *wire.Notice, c *wire.Change, owner string, seen int64) {
	if owner == n.Edge {
		if s := t.sessions[c.Slot]; s != nil { // which may be the one before
			t.ended.Note(c.Slot, s.generation, seen)
		}
		t.ended.Note(c.Slot, c.Generation, seen)
	}
}

// update takes what is newer of a session. The caller holds mu.
func (t *table) update(c *wire.Change, s *session, mine bool) {
	changed := c.Seen > s.seen
	s.seen = max(s.seen, c.Seen)
	named := wire.IsUnnamed(s.stream) && !wire.IsUnnamed(c.Stream)
	if c.Stream != "" && (c.Opened < s.opened || named) { // it was taken back by its token before its entry came, or its stream was on no pair
		s.stream, s.viewer, s.opened = c.Stream, c.Viewer, min(c.Opened, s.opened)
		s.news[openedNews]++
		changed = true
	}
	for i := range c.Tracks {
		changed = s.follow(&c.Tracks[i]) || changed
	}
	if len(c.Manifests) > 0 && !slices.Equal(c.Manifests, s.manifests) {
		for i := len(c.Manifests) - 1; i >= 0; i-- {
			changed = s.asked(c.Manifests[i]) || changed
		}
		if !mine {
			s.manifests = c.Manifests
			s.news[manifestsNews]++
		}
	}
	if mine && changed {
		t.tell(c.Slot, s.generation)
	}
}
