package member

import (
	"maps"
	"slices"
	"sync"

	"tandem/edge/ends"
	"tandem/edge/prefetch"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// table is one pair's session table as this edge holds it, in the low member's
// view: the slots that it delivers, and those of others mirrored from their notices
// (claims 18, 19, 24-27).
type table struct {
	me string

	mu       sync.Mutex
	pair     wire.Pair   // guarded by mu, as all below
	version  uint64      // of the placement that it follows
	parts    []ring.Part // who delivers which slots by the placement
	own      []wire.Run  // those of this edge; replaced, never changed
	since    uint64      // version in which parts became what they are
	limit    int         // ring.PairLimit
	slots    *ring.Table
	sessions map[int]*session
	aliases  map[wire.Alias]int
	ended    ends.Ends            // that ended here, or at who delivered them
	watchers map[string]*watcher  // the others that hold this table
	spare    bool                 // this edge has it lest two die at once
	followed int64                // unix milliseconds; when version came
	moved    int64                // unix milliseconds; when parts became what they are
	late     []prefetch.Inherited // sessions of which others told when this edge delivered them already

	provisional provisional
}

func newTable(me string, slots int) *table {
	return &table{
		me: me, slots: ring.NewTable(slots), sessions: map[int]*session{}, aliases: map[wire.Alias]int{}, ended: ends.Ends{},
		watchers: map[string]*watcher{}, provisional: provisional{},
	}
}

// follow takes the pair's place in a new placement. It returns the sessions that
// this edge delivers from now on and did not before: what it takes over.
func (t *table) follow(p *wire.Placement, pair *wire.Pair, now int64) (inherited []prefetch.Inherited) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.slots.Slots() != pair.Slots {
		t.resize(pair.Slots)
	}
	t.followed = now
	before, was, parts := t.own, t.parts, ring.Parts(p, pair)
	grown, moved := t.watch(p, pair), !slices.Equal(t.parts, parts)
	if grown || moved {
		t.since = p.Version
	}
	t.pair, t.version, t.parts, t.own, t.limit = *pair, p.Version, parts, ring.Owned(p, pair, t.me), ring.PairLimit(p, pair)
	if !moved {
		return nil
	}
	t.moved = now
	for slot, s := range t.sessions {
		if within(t.own, slot) && !within(before, slot) {
			inherited = append(inherited, t.inherit(slot, s))
		}
		for to, w := range t.watchers {
			if t.covers(slot, to) && (w.told[slot] != (told{s.generation, s.news}) || ownerIn(was, slot) != t.owner(slot)) {
				w.news[slot] = s.generation // it may have been told by one who is dead, or not at all, or by another one since that the slot is free
			}
		}
	}
	return inherited
}

// inherit is a session that this edge takes over. The caller holds mu.
func (t *table) inherit(slot int, s *session) prefetch.Inherited {
	s.await(t.followed)
	return prefetch.Inherited{SessionID: t.id(slot, s), Tracks: s.places()}
}

func (t *table) id(slot int, s *session) wire.SessionID {
	return wire.SessionID{Pair: t.pair.ID, Slot: slot, Generation: s.generation}
}

// inheritedLate are the sessions of which this edge was told after it had become the one
// that delivers them, once.
func (t *table) inheritedLate() (list []prefetch.Inherited) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list, t.late = t.late, nil
	return list
}

// watch makes the watchers those of the placement. True: one is new that is waited for.
func (t *table) watch(p *wire.Placement, pair *wire.Pair) (grown bool) {
	stays, needed := map[string]bool{}, ring.Watchers(p, pair)
	t.spare = !slices.Contains(needed, t.me)
	for _, name := range ring.Told(p, pair) {
		if name == t.me {
			continue
		}
		stays[name] = true
		edge, _ := p.Edge(name)
		if w := t.watchers[name]; w == nil || w.incarnation < edge.Incarnation {
			t.watchers[name] = newWatcher(edge.Incarnation)
			grown = grown || slices.Contains(needed, name)
		}
		t.watchers[name].spare = !slices.Contains(needed, name)
	}
	maps.DeleteFunc(t.watchers, func(name string, _ *watcher) bool { return !stays[name] })
	return grown
}

// resize gives the table another number of slots. The caller holds mu.
func (t *table) resize(slots int) {
	for slot := range t.sessions {
		if slot >= slots {
			t.forget(slot)
		}
	}
	t.ended.Resize(slots)
	for _, w := range t.watchers {
		w.heard = min(w.heard, slots)
	}
	t.slots.Resize(slots)
}

func within(runs []wire.Run, slot int) bool {
	for _, r := range runs {
		if slot >= r.From && slot < r.To {
			return true
		}
	}
	return false
}

// owner is who delivers a slot, "" for nobody. The caller holds mu.
func (t *table) owner(slot int) string { return ownerIn(t.parts, slot) }

func ownerIn(parts []ring.Part, slot int) string {
	for _, p := range parts {
		if slot >= p.From && slot < p.To {
			return p.Owner
		}
	}
	return ""
}

// delivering counts the sessions on this edge's side. The caller holds mu.
func (t *table) delivering() int {
	n := 0
	for _, r := range t.own {
		n += t.slots.Below(r.To) - t.slots.Below(r.From)
	}
	return n
}

// allot takes a slot on this edge's side. The caller holds mu.
func (t *table) allot() (int, bool) {
	return t.slots.Allot(t.own, ring.ViewOf(&t.pair, t.me), t.limit)
}

// find is the slot in which a session is kept. The caller holds mu.
func (t *table) find(id wire.SessionID) (int, bool) {
	if n := t.sessions[id.Slot]; n != nil && n.generation == id.Generation {
		return id.Slot, true
	}
	slot, ok := t.aliases[wire.Alias{Slot: id.Slot, Generation: id.Generation}]
	return slot, ok
}

// bind sets a slot's session. The caller holds mu.
func (t *table) bind(slot int, s *session) {
	t.slots.Set(slot)
	t.sessions[slot] = s
	t.ended.Begins(slot, s.generation)
	if !s.earned() {
		t.provisional[slot] = s
	}
	if s.token.Generation != 0 {
		t.aliases[s.token] = slot
	}
}

// put is bind, and news. The caller holds mu.
func (t *table) put(slot int, s *session) {
	t.bind(slot, s)
	t.tell(slot, s.generation)
}

// tell notes that a slot has news for whoever watches. The caller holds mu.
func (t *table) tell(slot int, generation uint32) {
	for _, w := range t.watchers {
		w.news[slot] = generation
	}
}

// lostAfter is for how long a session whose slot nobody delivers is kept, in milliseconds: more
// died than the ring can lose, and it has ended unless somebody is given it.
const lostAfter = 5000

// lost tells whether a slot has been nobody's for so long. The caller holds mu.
func (t *table) lost(slot int, now int64) bool {
	return now-t.moved >= lostAfter && !slices.ContainsFunc(t.parts, func(p ring.Part) bool { return p.Owner != "" && p.From <= slot && slot < p.To })
}

// drop frees a slot and notes it as news. The caller holds mu.
func (t *table) drop(slot int) {
	s := t.sessions[slot]
	if s == nil {
		return
	}
	t.forget(slot)
	t.ended.Note(slot, s.generation, s.seen)
	t.tell(slot, s.generation)
}

// forget frees a slot; nobody need be told. The caller holds mu.
func (t *table) forget(slot int) {
	s := t.sessions[slot]
	if s == nil {
		return
	}
	if t.aliases[s.token] == slot {
		delete(t.aliases, s.token)
	}
	delete(t.sessions, slot)
	delete(t.provisional, slot)
	t.slots.Free(slot)
	for _, w := range t.watchers {
		delete(w.news, slot)
		delete(w.told, slot)
	}
}

// load is the table as a report carries it.
func (t *table) load() wire.PairLoad {
	t.mu.Lock()
	defer t.mu.Unlock()
	return wire.PairLoad{
		Pair: t.pair.ID, Boundary: t.pair.Boundary, Delivering: t.delivering(), Provisional: t.provisionals(), Sessions: t.slots.Taken(), Taken: t.slots.Runs(),
	}
}
