package member

import (
	"sync"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// session is one viewer in a slot.
type session struct {
	generation uint32
	stream     string
	viewer     string
	opened     int64  // unix milliseconds
	seen       int64  // unix milliseconds of the last request
	position   int64  // sequence number of the last segment written in full, -1: none
	path       string // the object at position
	alias      slotGeneration
}

// slotGeneration is what a token names within a pair.
type slotGeneration struct {
	slot       int
	generation uint32
}

// table is one pair's session table as this edge holds it, in the low member's
// view: its own side, and the other member's mirrored from its notices (claims
// 18, 19, 24-27).
type table struct {
	mu       sync.Mutex
	pair     wire.Pair  // guarded by mu, as all below
	partner  string     // the other member; "" for an adopter or a lone edge
	own      []wire.Run // the slots that this edge delivers by the placement
	limit    int        // ring.PairLimit
	slots    *ring.Table
	sessions map[int]*session
	aliases  map[slotGeneration]int
	news     map[int]uint32 // slots that changed here since the partner was told, with the generation
	told     map[int]uint32 // generation of each slot that the partner knows in full
	full     bool           // the next notice has to hold everything
	heard    uint64         // incarnation of the partner from which a full notice came
	sequence uint64         // of the last notice sent
	last     noticeMark     // the last notice taken
}

func newTable(slots int) *table {
	return &table{
		slots: ring.NewTable(slots), sessions: map[int]*session{}, aliases: map[slotGeneration]int{},
		news: map[int]uint32{}, told: map[int]uint32{}, full: true,
	}
}

// follow takes the pair's place in a new placement. It returns the sessions that
// this edge delivers from now on and did not before: what it takes over.
func (t *table) follow(p *wire.Placement, pair *wire.Pair, me string) (inherited []session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	partner := ""
	switch me {
	case pair.Low:
		partner = pair.High
	case pair.High:
		partner = pair.Low
	}
	if partner != t.partner {
		t.full, t.heard, t.told = true, 0, map[int]uint32{}
	}
	before := t.own
	t.pair, t.partner, t.own, t.limit = *pair, partner, ring.Owned(p, pair, me), ring.PairLimit(p, pair)
	if t.slots.Slots() != pair.Slots {
		t.slots.Resize(pair.Slots)
	}
	for slot, s := range t.sessions {
		if within(t.own, slot) && !within(before, slot) {
			inherited = append(inherited, *s)
		}
	}
	return inherited
}

func within(runs []wire.Run, slot int) bool {
	for _, r := range runs {
		if slot >= r.From && slot < r.To {
			return true
		}
	}
	return false
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
func (t *table) allot(me string) (int, bool) {
	return t.slots.Allot(t.own, ring.ViewOf(&t.pair, me), t.limit)
}

// put sets a slot's session and notes it as news. The caller holds mu.
func (t *table) put(slot int, s *session) {
	t.slots.Set(slot)
	t.sessions[slot] = s
	t.news[slot] = s.generation
}

// drop frees a slot and notes it as news. The caller holds mu.
func (t *table) drop(slot int) {
	s := t.sessions[slot]
	if s == nil {
		return
	}
	delete(t.aliases, s.alias)
	delete(t.sessions, slot)
	t.slots.Free(slot)
	t.news[slot] = s.generation
	delete(t.told, slot)
}

// load is the table as a report carries it.
func (t *table) load() wire.PairLoad {
	t.mu.Lock()
	defer t.mu.Unlock()
	return wire.PairLoad{
		Pair: t.pair.ID, Boundary: t.pair.Boundary, Delivering: t.delivering(), Sessions: t.slots.Taken(), Taken: t.slots.Runs(),
	}
}
