package admission

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// rooms lets one opening move a pair's boundary while the others wait for it.
type rooms struct {
	mu    sync.Mutex
	pairs map[wire.PairID]chan struct{} // guarded by mu; as many as there are pairs
}

// lock waits for a pair's turn no longer than ctx.
func (r *rooms) lock(ctx context.Context, pair wire.PairID) (unlock func(), ok bool) {
	r.mu.Lock()
	if r.pairs == nil {
		r.pairs = map[wire.PairID]chan struct{}{}
	}
	turn := r.pairs[pair]
	if turn == nil {
		turn = make(chan struct{}, 1)
		r.pairs[pair] = turn
	}
	r.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, true
	case <-ctx.Done():
		return nil, false
	}
}

// makeRoom gives the chosen member half of the free slots of the other one's
// side (S124, S130 with a mirrored table), with sessions that stand before them up
// to its limit: beyond it the other one, relieved of them, would take in more than
// the edges can carry after a death (claim 8). Where a pair has given slots away its
// member takes back what fits by now.
func (t *attempt) makeRoom(ctx context.Context, seen *wire.Placement, c ring.Choice) bool {
	unlock, ok := t.rooms.lock(ctx, c.Pair)
	if !ok {
		return false
	}
	defer unlock()
	p := t.cluster.Placement()
	q, ok := p.Pair(c.Pair)
	if !ok || q.Retiring {
		return false
	}
	if was, ok := seen.Pair(c.Pair); ok && (was.Boundary != q.Boundary || !slices.Equal(was.Adopted, q.Adopted)) {
		return true // another viewer's opening has made room
	}
	t.cluster.Query(ctx, p, []string{q.Low, q.High})
	if len(q.Adopted) > 0 {
		return t.takeBack(ctx, p)
	}
	table := t.table(p, q)
	most := t.way.Room(p, c.Edge)
	if most <= 0 { // by newer figures it would not have been chosen
		t.way.Refused(c.Edge)
		return true
	}
	to, ok := ring.Room(p, q, table, c.Edge, most)
	if !ok || to == q.Boundary {
		return false
	}
	return t.moveBoundary(ctx, q, table, to)
}

// table is a pair's, as its members have told it.
func (o *Opener) table(p *wire.Placement, q *wire.Pair) *ring.Table {
	for _, load := range o.loads.Tables(p, o.now()) {
		if load.Pair == q.ID {
			return ring.TableOf(q.Slots, load.Taken)
		}
	}
	return ring.NewTable(q.Slots)
}

// moveBoundary proposes it. True: it has moved, or another one has.
func (o *Opener) moveBoundary(ctx context.Context, q *wire.Pair, table *ring.Table, to int) bool {
	ctx, cancel := context.WithTimeout(ctx, placeLimit)
	defer cancel()
	p, plan := o.cluster.Placement(), ring.Plan{Boundaries: []wire.BoundaryMove{{Pair: q.ID, Before: q.Boundary, After: to}}}
	foretell(ctx, o, p, plan.ApplyTo(p), []ring.Load{{Pair: q.ID, Taken: table.Runs()}})
	result, err := o.cluster.Propose(ctx, placement.Command{Kind: placement.MoveBoundary, Pair: q.ID, Before: q.Boundary, Boundary: to})
	if err == nil {
		o.loads.Moved(result.Version, q.Low, q.High, table.Below(to)-table.Below(q.Boundary))
	}
	return err == nil || errors.Is(err, placement.ErrStale)
}

// relieve moves a boundary where an edge has room and its pairs are full, so that another
// edge has room for this viewer (ring.Relieve). False: it can't be done, or helps nobody.
func (t *attempt) relieve(ctx context.Context, seen *wire.Placement) bool {
	r, ok := t.way.Relief(seen, t.now())
	if !ok {
		return false
	}
	unlock, ok := t.rooms.lock(ctx, r.Pair)
	if !ok {
		return false
	}
	defer unlock()
	defer t.way.Relieved(r.From)
	p := t.cluster.Placement()
	was, _ := seen.Pair(r.Pair)
	q, ok := p.Pair(r.Pair)
	if !ok || q.Boundary != was.Boundary {
		return true // another viewer's opening has moved it
	}
	t.cluster.Query(ctx, p, []string{q.Low, q.High})
	if now, ok := t.way.Relief(p, t.now()); !ok || now.Pair != r.Pair || now.From != r.From {
		return true // by newer figures there may be room, or another way
	} else {
		r = now
	}
	table := t.table(p, q)
	to := r.Boundary(q, table)
	return to != q.Boundary && t.moveBoundary(ctx, q, table, to)
}

// foretold is how long a viewer who opens waits for those to have what comes next who get
// other viewers by it: shorter than an operator does. What is not ready by then goes on being
// got, and the viewers who move have a segment to play meanwhile.
const foretold = 200 * time.Millisecond

// foretell tells edges what they get by a change that a viewer's opening makes.
func foretell(ctx context.Context, o *Opener, before, after *wire.Placement, loads []ring.Load) {
	ctx, cancel := context.WithTimeout(ctx, foretold)
	defer cancel()
	o.cluster.Foretell(ctx, before, after, loads)
}

// takeBack reckons the spill-over anew (docs/decisions/0007): sessions have ended since
// they were made, in slots that are still given away. While one edge that delivers has not
// told its load, even when it is asked, nothing is reckoned: its sessions would be counted as none.
func (o *Opener) takeBack(ctx context.Context, p *wire.Placement) bool {
	ctx, cancel := context.WithTimeout(ctx, placeLimit)
	defer cancel()
	if silent := o.loads.Silent(p, o.now()); len(silent) > 0 {
		if o.cluster.Query(ctx, p, silent); len(o.loads.Silent(p, o.now())) > 0 {
			return false
		}
	}
	tables := o.loads.Tables(p, o.now())
	foretell(ctx, o, p, ring.Settle(p, tables, ring.AnchorCurrent).ApplyTo(p), tables)
	result, err := o.cluster.Propose(ctx, placement.Command{
		Kind: placement.Settle, Cause: "a viewer needs a slot that was given away", Loads: tables,
	})
	return err == nil && result.Changed
}
