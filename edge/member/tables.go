package member

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"tandem/edge/prefetch"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// tables are those of this edge: the one it shares with its next and the one it
// shares with its previous member, and for a time those of pairs that retire, that
// it is being given, or of which it delivers a part.
type tables struct {
	me string

	opening  sync.Mutex    // one opening at a time: counting and taking are one step
	sequence atomic.Uint64 // of the last notice sent
	opened   atomic.Uint64 // sessions opened since the start
	counts   prefetch.Takeovers

	perClient int          // provisional sessions of one client, beyond as many as it plays; 0: any number
	madeWay   atomic.Int64 // provisional sessions that ended for another viewer

	mu        sync.RWMutex
	placement *wire.Placement        // guarded by mu
	all       map[wire.PairID]*table // guarded by mu
	capacity  int                    // guarded by mu
	limit     int                    // guarded by mu
}

func newTables(me string) *tables {
	return &tables{me: me, all: map[wire.PairID]*table{}, placement: new(wire.Placement).Index()}
}

// follow makes the tables those of a new placement and returns what this edge
// has taken over by it.
func (s *tables) follow(p *wire.Placement, now int64) (inherited []prefetch.Inherited) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.placement
	s.placement = p
	self, _ := p.Edge(s.me)
	s.capacity, s.limit = self.Capacity, ring.LimitsOf(p)[s.me]
	if sameRing(before, p) { // as when a stream is placed
		for id, t := range s.all {
			if q, ok := p.Pair(id); ok {
				inherited = append(inherited, t.follow(p, q, now)...)
			}
		}
		return inherited
	}
	stays := map[wire.PairID]bool{}
	for i := range p.Pairs {
		q := &p.Pairs[i]
		if q.Low != s.me && q.High != s.me && !slices.Contains(ring.Told(p, q), s.me) {
			continue
		}
		stays[q.ID] = true
		t := s.all[q.ID]
		if t == nil {
			t = newTable(s.me, q.Slots)
			s.all[q.ID] = t
		}
		inherited = append(inherited, t.follow(p, q, now)...)
	}
	maps.DeleteFunc(s.all, func(id wire.PairID, _ *table) bool { return !stays[id] })
	return inherited
}

// sameRing tells whether two placements have the same edges and pairs, so that the same
// edges hold the same tables: to find those costs more the larger the ring.
func sameRing(a, b *wire.Placement) bool {
	return slices.Equal(a.Edges, b.Edges) && slices.EqualFunc(a.Pairs, b.Pairs, func(p, q wire.Pair) bool {
		return p.ID == q.ID && p.Low == q.Low && p.High == q.High && p.Retiring == q.Retiring && slices.Equal(p.Adopted, q.Adopted)
	})
}

func (s *tables) table(id wire.PairID) *table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.all[id]
}

// list gives the tables by pair.
func (s *tables) list() []*table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]*table, 0, len(s.all))
	for _, id := range slices.Sorted(maps.Keys(s.all)) {
		list = append(list, s.all[id])
	}
	return list
}

// delivering is this edge's own total.
func (s *tables) delivering() int {
	n := 0
	for _, t := range s.list() {
		t.mu.Lock()
		n += t.delivering()
		t.mu.Unlock()
	}
	return n
}

// count is what there is now, of a pair as well. The number first: what is counted after
// it holds at least all up to it.
func (s *tables) count(pair wire.PairID) wire.EdgeCount {
	c := wire.EdgeCount{Opened: s.opened.Load()}
	c.Delivering = s.delivering()
	if t := s.table(pair); t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		c.Sessions, c.Own = t.slots.Taken(), t.delivering()
	}
	return c
}

// mayOpen tells why no further session may be opened here, "" if one may. Who had a
// session that its edge could not take back is no new viewer: limits keep room for a
// death, not against those who play.
func (s *tables) mayOpen(again bool) string {
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
func (s *tables) open(r wire.OpenRequest, now int64) (wire.SessionID, string) {
	s.opening.Lock()
	defer s.opening.Unlock()
	t := s.table(r.Pair)
	if t == nil {
		return wire.SessionID{}, wire.ReasonStale
	}
	if !r.Again && !s.mayOpenMore(r.Viewer, s.perClient) {
		return wire.SessionID{}, wire.ReasonClient
	}
	if r.Most > 0 && s.delivering() >= r.Most {
		return wire.SessionID{}, wire.ReasonBusier
	}
	if reason := s.room(&r, t, now); reason != "" {
		return wire.SessionID{}, reason
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	slot, ok := t.allot()
	if !ok {
		return wire.SessionID{}, wire.ReasonSideFull // the placement has changed meanwhile
	}
	n := &session{generation: generation(), stream: r.Stream, viewer: r.Viewer, opened: now, seen: now}
	t.put(slot, n)
	s.opened.Add(1)
	return wire.SessionID{Pair: r.Pair, Slot: slot, Generation: n.generation}, ""
}

// generation is a random number, so that tokens of former sessions of a slot,
// even of a former life of the cluster, are told apart.
func generation() uint32 { return rand.Uint32N(1<<32-1) + 1 }

// Binding is where a session is kept.
type Binding struct {
	Slot      int    // -1: nowhere here
	Inherited bool   // it was taken over, is delivered here still, and its first requests are looked at
	Begun     bool   // it has asked for a manifest, here or elsewhere
	Of        string // who delivers it by the placement, where that is another edge
}

// touch notes a request of a session and returns where it is kept. A token whose slot
// was freed meanwhile is admitted again, in its own slot if that is free, else in
// another one. A reason is a refusal.
func (s *tables) touch(id wire.SessionID, stream, viewer string, now int64) (binding Binding, reason string) {
	t := s.table(id.Pair)
	if t == nil {
		return Binding{Slot: -1}, ""
	}
	t.mu.Lock()
	if slot, ok := t.find(id); ok {
		n := t.sessions[slot]
		n.seen = now
		if wire.IsUnnamed(n.stream) && !wire.IsUnnamed(stream) { // when it was taken back, its stream was on no pair
			n.stream = stream
			n.news[openedNews]++
		}
		t.tell(slot, n.generation)
		binding = Binding{Slot: slot, Inherited: n.takeover != nil && within(t.own, slot), Begun: len(n.manifests) > 0}
		if !within(t.own, slot) {
			binding.Of = t.owner(slot)
		}
		t.mu.Unlock()
		return binding, ""
	}
	mine := within(t.own, ring.InTable(&t.pair, id.Slot))
	t.mu.Unlock()
	if !mine {
		return Binding{Slot: -1}, "" // the other member's: served all the same, it keeps the table
	}
	slot, reason := s.readmit(t, id, stream, viewer, now)
	return Binding{Slot: slot}, reason
}

// readmit takes back a session that was idle, or whose opening the former
// deliverer could not tell before it died. It is let in up to what the placement
// counts on (ring.Grants).
func (s *tables) readmit(t *table, id wire.SessionID, stream, viewer string, now int64) (int, string) {
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.RLock()
	most := ring.Grants(s.placement, s.me)
	s.mu.RUnlock()
	if s.delivering() >= most && !s.makeWay(viewer, now) {
		return -1, wire.ReasonLimit
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if slot, ok := t.find(id); ok {
		return slot, "" // another request of the same viewer was quicker
	}
	n := &session{generation: id.Generation, stream: stream, viewer: viewer, opened: now, seen: now}
	slot := id.Slot
	if t.slots.Has(slot) || slot >= t.pair.Slots {
		var ok bool
		if slot, ok = t.allot(); !ok {
			return -1, wire.ReasonSideFull
		}
		n.generation = generation()
		n.token = wire.Alias{Slot: id.Slot, Generation: id.Generation}
	}
	t.put(slot, n)
	return slot, ""
}

// close ends a session that this edge delivers. It may be there and not mine: while a
// boundary moves it is for another one to end.
func (s *tables) close(id wire.SessionID) (there, mine bool) {
	t := s.table(id.Pair)
	if t == nil {
		return false, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	slot, there := t.find(id)
	if mine = there && within(t.own, slot); mine {
		t.drop(slot)
	}
	return there, mine
}

// expire ends the sessions of this edge's side for which nothing was asked for idle
// milliseconds, the provisional ones for soon milliseconds, and returns how many.
func (s *tables) expire(now, idle, soon int64) int {
	ended, before := 0, now-idle
	for _, t := range s.list() {
		t.mu.Lock()
		t.unearned(func(slot int, n *session) {
			if n.seen < now-soon {
				t.drop(slot)
				ended++
			}
		})
		for slot, n := range t.sessions {
			if n.takeover.Over(now) {
				n.takeover = nil
			}
			switch {
			case n.seen < before && within(t.own, slot):
				t.drop(slot)
				ended++
			case t.lost(slot, now):
				t.forget(slot)
			}
		}
		t.mu.Unlock()
	}
	return ended
}

// shed ends the newest sessions until no more than capacity are left, the provisional
// ones first: what truly does not fit is refused, and the oldest go on (never everybody
// a little).
func (s *tables) shed() int {
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
		earned bool
	}
	var mine []place
	for _, t := range s.list() {
		t.mu.Lock()
		for slot, n := range t.sessions {
			if within(t.own, slot) {
				mine = append(mine, place{t, slot, n.opened, n.earned()})
			}
		}
		t.mu.Unlock()
	}
	sort.Slice(mine, func(i, j int) bool {
		if mine[i].earned != mine[j].earned {
			return mine[j].earned
		}
		return mine[i].opened > mine[j].opened
	})
	shed := mine[:min(over, len(mine))]
	for _, m := range shed {
		m.t.mu.Lock()
		m.t.drop(m.slot)
		m.t.mu.Unlock()
	}
	return len(shed)
}

// sessions are those that this edge delivers, at most limit; total counts all.
func (s *tables) sessions(limit int) (list []wire.SessionInfo, total int) {
	for _, t := range s.list() {
		t.mu.Lock()
		for slot, n := range t.sessions {
			if !within(t.own, slot) {
				continue
			}
			if total++; len(list) < limit {
				list = append(list, t.info(slot, n))
			}
		}
		t.mu.Unlock()
	}
	return list, total
}

// info is one session as others are told of it. The caller holds mu.
func (t *table) info(slot int, n *session) wire.SessionInfo {
	i := wire.SessionInfo{
		SessionID: t.id(slot, n), Stream: n.stream, Viewer: n.viewer, Edge: t.me,
		Position: -1, Opened: n.opened, Seen: n.seen, Tracks: n.places(),
	}
	switch t.me {
	case t.pair.Low:
		i.Standin = slot >= t.pair.Home
	case t.pair.High:
		i.Standin = slot < t.pair.Home
	default:
		i.Standin = true
	}
	if last := n.latest(); last != nil {
		i.Position, i.Path = last.Sequence, last.Target
	}
	return i
}
