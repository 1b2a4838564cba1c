package member

import (
	"math/rand/v2"
	"sort"
	"sync"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// sessions are the tables of this edge: the one it shares with its next and the
// one it shares with its previous member, and for a time those of pairs that
// retire or were adopted.
type sessions struct {
	me string

	opening sync.Mutex // one opening at a time: counting and taking are one step

	mu        sync.RWMutex
	placement *wire.Placement        // guarded by mu
	tables    map[wire.PairID]*table // guarded by mu
	capacity  int                    // guarded by mu
	limit     int                    // guarded by mu
}

func newSessions(me string) *sessions {
	return &sessions{me: me, tables: map[wire.PairID]*table{}, placement: new(wire.Placement).Index()}
}

// follow makes the tables those of a new placement and returns what this edge
// has taken over by it.
func (s *sessions) follow(p *wire.Placement) (inherited []session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.placement = p
	self, _ := p.Edge(s.me)
	s.capacity, s.limit = self.Capacity, ring.LimitsOf(p)[s.me]
	stays := map[wire.PairID]bool{}
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if q.Low != s.me && q.High != s.me && len(ring.Owned(p, q, s.me)) == 0 {
			continue
		}
		stays[q.ID] = true
		t := s.tables[q.ID]
		if t == nil {
			t = newTable(q.Slots)
			s.tables[q.ID] = t
		}
		inherited = append(inherited, t.follow(p, q, s.me)...)
	}
	for id := range s.tables {
		if !stays[id] {
			delete(s.tables, id)
		}
	}
	return inherited
}

func (s *sessions) table(id wire.PairID) *table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tables[id]
}

// all lists the tables by pair.
func (s *sessions) all() []*table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]*table, 0, len(s.tables))
	for _, t := range s.tables {
		list = append(list, t)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].pair.ID < list[j].pair.ID })
	return list
}

// delivering is this edge's own total.
func (s *sessions) delivering() int {
	n := 0
	for _, t := range s.all() {
		t.mu.Lock()
		n += t.delivering()
		t.mu.Unlock()
	}
	return n
}

// mayOpen tells why no further session may be opened here, "" if one may. Who had a
// session that its edge could not take back is no new viewer: limits keep room for a
// death, not against those who play.
func (s *sessions) mayOpen(again bool) string {
	s.mu.RLock()
	p, limit := s.placement, s.limit
	if again {
		limit = s.capacity
	}
	s.mu.RUnlock()
	self, ok := p.Edge(s.me)
	switch {
	case !ok:
		return wire.ReasonStale
	case !ring.Opens(self.State):
		return wire.ReasonDraining
	case s.delivering() >= limit:
		return wire.ReasonLimit
	}
	return ""
}

// open takes a slot for a new viewer (S106, S124, S130).
func (s *sessions) open(r wire.OpenRequest, now int64) (wire.SessionID, string) {
	s.opening.Lock()
	defer s.opening.Unlock()
	if reason := s.mayOpen(r.Again); reason != "" {
		return wire.SessionID{}, reason
	}
	t := s.table(r.Pair)
	if t == nil {
		return wire.SessionID{}, wire.ReasonStale
	}
	s.mu.RLock()
	p := s.placement
	s.mu.RUnlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.pair.Retiring || t.pair.Low != s.me && t.pair.High != s.me:
		return wire.SessionID{}, wire.ReasonStale
	case t.slots.Taken() >= ring.PairLimit(p, &t.pair):
		return wire.SessionID{}, wire.ReasonPairFull
	}
	slot, ok := t.allot(s.me)
	if !ok {
		return wire.SessionID{}, wire.ReasonSideFull
	}
	n := &session{generation: generation(), stream: r.Stream, viewer: r.Viewer, opened: now, seen: now, position: -1}
	t.put(slot, n)
	return wire.SessionID{Pair: r.Pair, Slot: slot, Generation: n.generation}, ""
}

// generation is a random number, so that tokens of former sessions of a slot,
// even of a former life of the cluster, are told apart.
func generation() uint32 { return rand.Uint32N(1<<32-1) + 1 }

// touch notes a request of a session and returns the slot in which it is kept,
// -1 when this edge keeps it nowhere. A token whose slot was freed meanwhile is
// admitted again, in its own slot if that is free, else in another one. A reason
// is a refusal.
func (s *sessions) touch(id wire.SessionID, stream, viewer string, now int64) (slot int, reason string) {
	t := s.table(id.Pair)
	if t == nil {
		return -1, ""
	}
	t.mu.Lock()
	if slot, ok := t.find(id); ok {
		n := t.sessions[slot]
		n.seen = now
		t.news[slot] = n.generation
		t.mu.Unlock()
		return slot, ""
	}
	mine := within(t.own, id.Slot)
	t.mu.Unlock()
	if !mine {
		return -1, "" // the other member's: served all the same, it keeps the table
	}
	return s.readmit(t, id, stream, viewer, now)
}

// find is the slot in which a session is kept. The caller holds mu.
func (t *table) find(id wire.SessionID) (int, bool) {
	if n := t.sessions[id.Slot]; n != nil && n.generation == id.Generation {
		return id.Slot, true
	}
	slot, ok := t.aliases[slotGeneration{id.Slot, id.Generation}]
	return slot, ok
}

// readmit takes back a session that was idle, or whose opening the former
// deliverer could not tell before it died. It is let in up to what the placement
// counts on (ring.Grants).
func (s *sessions) readmit(t *table, id wire.SessionID, stream, viewer string, now int64) (int, string) {
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.RLock()
	most := ring.Grants(s.placement, s.me)
	s.mu.RUnlock()
	if s.delivering() >= most {
		return -1, wire.ReasonLimit
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if slot, ok := t.find(id); ok {
		return slot, "" // another request of the same viewer was quicker
	}
	n := &session{generation: id.Generation, stream: stream, viewer: viewer, opened: now, seen: now, position: -1}
	slot := id.Slot
	if t.slots.Has(slot) || slot >= t.pair.Slots {
		var ok bool
		if slot, ok = t.allot(s.me); !ok {
			return -1, wire.ReasonSideFull
		}
		n.generation = generation()
		n.alias = slotGeneration{id.Slot, id.Generation}
		t.aliases[n.alias] = slot
	}
	t.put(slot, n)
	return slot, ""
}

// delivered notes that an object was written to a session in full.
func (s *sessions) delivered(pair wire.PairID, slot int, path string, position, now int64) {
	t := s.table(pair)
	if t == nil || slot < 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.sessions[slot]; n != nil {
		n.path, n.position, n.seen = path, position, now
		t.news[slot] = n.generation
	}
}

// close ends a session.
func (s *sessions) close(id wire.SessionID) bool {
	t := s.table(id.Pair)
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	slot, ok := t.find(id)
	if ok {
		t.drop(slot)
	}
	return ok
}

// expire ends the sessions of this edge's side for which nothing was asked since
// before, and returns how many.
func (s *sessions) expire(before int64) int {
	ended := 0
	for _, t := range s.all() {
		t.mu.Lock()
		for slot, n := range t.sessions {
			if n.seen < before && within(t.own, slot) {
				t.drop(slot)
				ended++
			}
		}
		t.mu.Unlock()
	}
	return ended
}

// shed ends the newest sessions until no more than capacity are left: what truly
// does not fit is refused, and the oldest go on (never everybody a little).
func (s *sessions) shed() int {
	s.mu.RLock()
	over := s.delivering() - s.capacity
	s.mu.RUnlock()
	if over <= 0 {
		return 0
	}
	type place struct {
		t      *table
		slot   int
		opened int64
	}
	var mine []place
	for _, t := range s.all() {
		t.mu.Lock()
		for slot, n := range t.sessions {
			if within(t.own, slot) {
				mine = append(mine, place{t, slot, n.opened})
			}
		}
		t.mu.Unlock()
	}
	sort.Slice(mine, func(i, j int) bool { return mine[i].opened > mine[j].opened })
	shed := mine[:min(over, len(mine))]
	for _, m := range shed {
		m.t.mu.Lock()
		m.t.drop(m.slot)
		m.t.mu.Unlock()
	}
	return len(shed)
}

// list are the sessions that this edge delivers, at most limit; total counts all.
func (s *sessions) list(limit int) (list []wire.SessionInfo, total int) {
	for _, t := range s.all() {
		t.mu.Lock()
		for slot, n := range t.sessions {
			if !within(t.own, slot) {
				continue
			}
			if total++; len(list) >= limit {
				continue
			}
			standin := t.pair.Low == s.me && slot >= t.pair.Home || t.pair.High == s.me && slot < t.pair.Home || t.pair.Low != s.me && t.pair.High != s.me
			list = append(list, wire.SessionInfo{
				SessionID: wire.SessionID{Pair: t.pair.ID, Slot: slot, Generation: n.generation}, Stream: n.stream, Viewer: n.viewer, Edge: s.me,
				Position: n.position, Path: n.path, Opened: n.opened, Seen: n.seen, Standin: standin,
			})
		}
		t.mu.Unlock()
	}
	return list, total
}
