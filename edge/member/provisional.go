package member

import (
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// A slot is earned: a session that has been given no media yet is provisional. It ends
// soon, and where room is short it is the first to make way, so that whoever opens and
// never plays keeps nobody out.

// provisional are the sessions of a table that may not have been given media yet, by
// slot. It is looked through when room is short; what has earned its slot is dropped
// from it then.
type provisional map[int]*session

// earned tells that a session has been given media: here, or, as its positions say, by
// who delivered it before.
func (s *session) earned() bool { return s.played || s.latest() != nil }

// unearned calls of with every provisional session of this edge's side. The caller
// holds mu.
func (t *table) unearned(of func(slot int, s *session)) {
	for slot, s := range t.provisional {
		switch {
		case s.earned():
			delete(t.provisional, slot)
		case within(t.own, slot):
			of(slot, s)
		}
	}
}

// provisionals counts the provisional sessions of this edge's side. The caller holds
// mu.
func (t *table) provisionals() (n int) {
	t.unearned(func(int, *session) { n++ })
	return n
}

// claims are the provisional sessions that this edge delivers, of one table or all.
func (s *tables) claims(tables ...*table) (claims []ring.Claim) {
	if len(tables) == 0 {
		tables = s.list()
	}
	for _, t := range tables {
		t.mu.Lock()
		t.unearned(func(slot int, n *session) {
			claims = append(claims, ring.Claim{Pair: t.pair.ID, Slot: slot, Client: wire.ClientOf(n.viewer), Opened: n.opened, Seen: n.seen})
		})
		t.mu.Unlock()
	}
	return claims
}

// makeWay ends a provisional session, of some tables or all, so that there is room for
// a viewer. The caller holds opening, and no table.
func (s *tables) makeWay(viewer string, now int64, tables ...*table) bool {
	c, ok := ring.Yields(s.claims(tables...), wire.ClientOf(viewer), now)
	t := s.table(c.Pair)
	if !ok || t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.sessions[c.Slot]; n == nil || n.opened != c.Opened || n.earned() {
		return false // it has got its media meanwhile
	}
	t.drop(c.Slot)
	s.madeWay.Add(1)
	return true
}

// mayOpenMore tells whether a client may have one more provisional session here: as many
// as most, and one more for each of its sessions that has earned its slot, so that an
// address of thousands of viewers is not taken for one that never plays.
func (s *tables) mayOpenMore(viewer string, most int) bool {
	client := wire.ClientOf(viewer)
	have := ring.ClaimsOf(s.claims(), client)
	if most == 0 || have < most {
		return true
	}
	for _, t := range s.list() {
		t.mu.Lock()
		for slot, n := range t.sessions {
			if within(t.own, slot) && n.earned() && wire.ClientOf(n.viewer) == client {
				most++
			}
		}
		t.mu.Unlock()
	}
	return have < most
}

// room finds why there is none for a further session in a table, "" when there is,
// and lets provisional ones make way until there is. The caller holds opening.
func (s *tables) room(r *wire.OpenRequest, t *table, now int64) string {
	reason := s.mayOpen(r.Again)
	if reason == wire.ReasonLimit && s.makeWay(r.Viewer, now) {
		reason = s.mayOpen(r.Again)
	}
	if reason != "" {
		return reason
	}
	s.mu.RLock()
	p := s.placement
	s.mu.RUnlock()
	reason = t.room(p)
	if (reason == wire.ReasonPairFull || reason == wire.ReasonSideFull) && s.makeWay(r.Viewer, now, t) {
		reason = t.room(p)
	}
	return reason
}

// room is why no session can be opened in a table, "" when one can.
func (t *table) room(p *wire.Placement) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.pair.Retiring || t.pair.Low != t.me && t.pair.High != t.me:
		return wire.ReasonStale
	case t.slots.Taken() >= ring.PairLimit(p, &t.pair):
		return wire.ReasonPairFull
	}
	slot, ok := t.allot()
	if !ok {
		return wire.ReasonSideFull
	}
	t.slots.Free(slot) // whoever takes it holds opening
	return ""
}
