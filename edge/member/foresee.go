package member

import (
	"context"
	"net/http"
	"time"

	"tandem/edge/prefetch"
	"tandem/edge/silence"
	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// foresight makes ready what comes next in sessions that this edge may be about to take
// over: from the first sign that their edge is dead, before anybody has said so, and before
// this edge says that it is ready to be given them. A viewer who asks as soon as the
// placement says who delivers finds it in memory.
type foresight struct {
	member *Member
	signs  chan string // edges that may be dead
	told   silence.Suspects[suspect]
}

// suspect is one life of an edge that delivers slots of a table.
type suspect struct {
	pair wire.PairID
	ring.Life
}

// sign says that an edge may be dead: it refuses a notice, has not been heard for all but one of the
// intervals that are silence, or its viewers are brought here.
func (f *foresight) sign(edge string) {
	select {
	case f.signs <- edge:
	default: // there are signs enough
	}
}

// run acts by signs until ctx ends.
func (f *foresight) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case name := <-f.signs:
			m := f.member
			e, ok := m.view.Placement().Edge(name)
			if !ok || name == m.cfg.Name {
				continue
			}
			f.foresee(ctx, 0, func(t *table, slot int) bool { return t.owner(slot) == name }, func(t *table) bool {
				return !t.spare && f.told.Due(suspect{t.pair.ID, ring.Life{Edge: name, Incarnation: e.Incarnation}}, m.now())
			})
		}
	}
}

// comes tells whether a slot that another edge delivers will be this edge's when that
// one has gone, or this one is back. The caller holds mu.
func (t *table) comes(p *wire.Placement, slot int) bool {
	if t.spare { // only if two die at once
		return false
	}
	if owner, ok := p.Edge(t.owner(slot)); ok && ring.Goes(owner) {
		return true
	}
	return t.me == t.pair.Low && slot < t.pair.Home || t.me == t.pair.High && slot >= t.pair.Home
}

// foresee makes ready what comes next in the sessions that others deliver and may comes of,
// in the tables that look is true of, and waits for it for so long at most. At a mere sign
// a spare one is left: who has that is the last to be given its sessions, and has nothing of what they play.
func (f *foresight) foresee(ctx context.Context, limit time.Duration, comes func(t *table, slot int) bool, look func(t *table) bool) {
	var list []prefetch.Inherited
	now := f.member.clock.Now().UnixMilli()
	for _, t := range f.member.tables.list() {
		t.mu.Lock()
		if look(t) {
			for slot, s := range t.sessions {
				if !within(t.own, slot) && comes(t, slot) {
					list = append(list, prefetch.Inherited{SessionID: t.id(slot, s), Tracks: s.places(), Foreseen: now})
				}
			}
		}
		t.mu.Unlock()
	}
	f.member.Prefetch.Foresee(ctx, list, limit)
}

// foretold is how long a balancer is kept waiting for what it has foretold, which it
// makes then.
const foretold = 500 * time.Millisecond

// HandleForesee makes ready what comes next in sessions that a balancer is about to have
// this edge given (claims 17, 23), and answers when it is.
func (f *foresight) HandleForesee(w http.ResponseWriter, r *http.Request) {
	var given []ring.Load
	if !call.Read(w, r, &given) {
		return
	}
	runs := map[wire.PairID][]wire.Run{}
	for _, l := range given {
		runs[l.Pair] = l.Taken
	}
	f.foresee(r.Context(), foretold, func(t *table, slot int) bool { return within(runs[t.pair.ID], slot) }, func(t *table) bool { return runs[t.pair.ID] != nil })
	w.WriteHeader(http.StatusNoContent)
}
