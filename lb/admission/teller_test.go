package admission

import (
	"context"
	"slices"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// teller is an edge of it.
type teller struct {
	*premiere
	name      string
	placement *wire.Placement
	tables    map[wire.PairID]*ring.Table
	opened    uint64
	sequence  uint64
	news      map[wire.PairID][]time.Time // when its provisional sessions are given media
}

// await waits for a placement that a balancer has.
func (e *teller) await(ctx context.Context, version uint64, most time.Duration) {
	for until := time.Now().Add(most); time.Now().Before(until) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		have := uint64(0)
		if e.locked(func() { have = e.placement.Version }); have >= version {
			return
		}
	}
}

// open is what edge/member does.
func (e *teller) open(r wire.OpenRequest) (a wire.OpenAnswer, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() {
		q, _ := e.placement.Pair(r.Pair)
		a.EdgeCount = wire.EdgeCount{Incarnation: 1, Opened: e.opened, Delivering: e.delivering(), Sessions: e.table(q).Taken(), Own: e.owns(q)}
	}()
	q, ok := e.placement.Pair(r.Pair)
	limit := ring.LimitsOf(e.placement)[e.name]
	switch {
	case !ok:
		return a, wire.ReasonStale
	case r.Most > 0 && e.delivering() >= r.Most:
		return a, wire.ReasonBusier
	case e.delivering() >= limit:
		return a, wire.ReasonLimit
	case e.table(q).Taken() >= ring.PairLimit(e.placement, q):
		return a, wire.ReasonPairFull
	}
	slot, ok := e.table(q).Allot(ring.Owned(e.placement, q, e.name), ring.ViewOf(q, e.name), ring.PairLimit(e.placement, q))
	if !ok {
		return a, wire.ReasonSideFull
	}
	e.opened++
	e.news[q.ID] = append(e.news[q.ID], time.Now().Add(time.Duration(50+e.rand.IntN(900))*time.Millisecond))
	a.SessionID = wire.SessionID{Pair: q.ID, Slot: slot, Generation: 1}
	if e.seats[a.SessionID] { // while a boundary moved the other member gave it too: its viewer is taken in anew
		e.anew(q)
	}
	e.seats[a.SessionID] = true
	return a, ""
}

// anew finds another slot for a session whose own is taken.
func (e *teller) anew(q *wire.Pair) {
	for {
		slot, ok := e.table(q).Allot(ring.Owned(e.placement, q, e.name), ring.ViewOf(q, e.name), ring.PairLimit(e.placement, q))
		id := wire.SessionID{Pair: q.ID, Slot: slot, Generation: 1}
		switch {
		case !ok:
			e.out++
			return
		case !e.seats[id]:
			e.seats[id] = true
			return
		}
	}
}

func (e *teller) table(q *wire.Pair) *ring.Table {
	if e.tables[q.ID] == nil {
		e.tables[q.ID] = ring.NewTable(q.Slots)
	}
	return e.tables[q.ID]
}

func (e *teller) owns(q *wire.Pair) (n int) {
	for _, r := range ring.Owned(e.placement, q, e.name) {
		n += e.table(q).Below(r.To) - e.table(q).Below(r.From)
	}
	return n
}

// mine are the pairs of which it is a member.
func (e *teller) mine() (pairs []*wire.Pair) {
	for i := range e.placement.Pairs {
		if q := &e.placement.Pairs[i]; q.Low == e.name || q.High == e.name {
			pairs = append(pairs, q)
		}
	}
	return pairs
}

func (e *teller) delivering() (n int) {
	for _, q := range e.mine() {
		n += e.owns(q)
	}
	return n
}

func (e *teller) report() wire.Report {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sequence++
	self, _ := e.placement.Edge(e.name)
	r := wire.Report{Edge: e.name, Incarnation: 1, Sequence: e.sequence, Version: e.placement.Version, Capacity: self.Capacity, Opened: e.opened, Delivering: e.delivering()}
	for _, q := range e.mine() {
		e.news[q.ID] = slices.DeleteFunc(e.news[q.ID], func(at time.Time) bool { return !at.After(time.Now()) })
		r.Pairs = append(r.Pairs, wire.PairLoad{
			Pair: q.ID, Boundary: q.Boundary, Delivering: e.owns(q), Provisional: min(len(e.news[q.ID]), e.owns(q)), Sessions: e.table(q).Taken(), Taken: e.table(q).Runs(),
		})
	}
	return r
}

// notice tells the neighbours what this edge has in the tables that it shares with them.
func (e *teller) notice() {
	type told struct {
		to   *teller
		pair wire.PairID
		own  []wire.Run
		has  *ring.Table
	}
	var all []told
	e.locked(func() {
		for _, q := range e.mine() {
			for _, to := range e.edges {
				if to != e && (to.name == q.Low || to.name == q.High) {
					all = append(all, told{to, q.ID, ring.Owned(e.placement, q, e.name), ring.TableOf(q.Slots, e.table(q).Runs())})
				}
			}
		}
	})
	for _, n := range all {
		go func() {
			if !e.travel(context.Background()) {
				return
			}
			e.locked(func() {
				q, _ := n.to.placement.Pair(n.pair)
				for slot := range q.Slots {
					there := e.seats[wire.SessionID{Pair: q.ID, Slot: slot, Generation: 1}]
					if n.has.Has(slot) && there { // its own, and what it hands over
						n.to.table(q).Set(slot)
					}
					if !there && ring.Owner(n.to.placement, q, slot) != n.to.name {
						n.to.table(q).Free(slot)
					}
				}
			})
		}()
	}
}
