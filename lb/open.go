package lb

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/lb/proxy"
	"tandem/raftfsm"
)

// Limits of an opening.
const (
	openRounds = 64               // edges and changes of the placement that are tried: each takes something out of the choice
	openLimit  = 10 * time.Second // in all
	askLimit   = 2 * time.Second  // for one edge's answer
	placeLimit = 2 * time.Second  // for the stream to be placed
)

// tooMany makes an edge or a pair one that is not chosen again in an opening.
const tooMany = 1 << 30

// Bounds of what is asked for a viewer when the cluster is full but for sessions that
// were given no media yet.
const (
	asksForWay  = 3 // edges
	placesAbove = 4 // a stream gets one more pair only where these are one in so many of an edge's limit
)

// opener opens sessions: it chooses an edge by what control knows, and asks it for a
// slot.
type opener struct {
	node    *raftfsm.Node
	control *control.Control
	call    *call.Client
	source  string // of the edges' state: StatePush, StateLoad or StateQuery
	rules   ring.Rules
	rooms   rooms
	now     func() time.Time
}

// open gets a viewer a slot (PATENT.md steps 1 to 3). The balancer's figures may
// be a moment old, so the edge has the last word, and what it says is believed
// for the rest of the opening. A viewer that had a session is taken in again where
// limits are reached, up to the capacities: they keep room for a death, not against
// those who play. A reason is a refusal.
func (o *opener) open(ctx context.Context, stream, viewer string, again bool) (wire.SessionID, string) {
	o.query(ctx, stream)
	reason, earned, raised, asked := wire.ReasonCluster, false, false, 0
	var counts ring.Figures
	for round := range openRounds {
		if ctx.Err() != nil {
			return wire.SessionID{}, reason
		}
		p := o.control.Placement()
		var choice ring.Choice
		if round == 0 {
			choice, counts = o.first(ctx, p, stream)
		} else {
			choice = o.control.Loads.Again(p, counts, stream, o.now())
		}
		switch {
		case choice.Edge != "":
		case again && !raised:
			raised = true
			raise(p, counts)
			continue
		case !earned:
			earned = true
			o.makeWay(p, counts)
			continue
		}
		if choice.Edge == "" {
			return wire.SessionID{}, choice.Reason
		}
		if earned {
			if asked++; asked > asksForWay || choice.Place && !o.mayMakeWay(p, choice.Edge) {
				o.control.Loads.NotOpened(choice.Edge, choice.Pair)
				return wire.SessionID{}, wire.ReasonCluster
			}
		}
		if choice.Place {
			if why := o.place(ctx, p, stream, choice.Pair); why != "" {
				o.control.Loads.NotOpened(choice.Edge, choice.Pair)
				if why == wire.ReasonStale {
					continue
				}
				return wire.SessionID{}, why
			}
			p = o.control.Placement()
		}
		if choice.Above {
			e, _ := p.Edge(choice.Edge)
			counts.Limits[choice.Edge] = e.Capacity
		}
		given, why := o.askSlot(ctx, p, choice, wire.OpenRequest{Pair: choice.Pair, Stream: stream, Viewer: viewer, Version: p.Version, Again: again || choice.Above})
		if why == "" {
			o.control.Loads.Opened(choice.Edge, stream, given, o.now())
			return given.SessionID, ""
		}
		o.control.Loads.NotOpened(choice.Edge, choice.Pair)
		if why == wire.ReasonClient {
			return wire.SessionID{}, why
		}
		reason = o.learn(ctx, p, counts, choice, why)
	}
	return wire.SessionID{}, reason
}

// makeWay makes the figures those that the edges would have if all sessions made way
// that were given no media yet. Whether one does for this viewer an edge decides.
func (o *opener) makeWay(p *wire.Placement, counts ring.Figures) {
	without := o.control.Loads.Earned(p)
	for edge, n := range without.Delivering {
		if counts.Delivering[edge] < tooMany { // it has not refused in this opening
			counts.Delivering[edge] = n
		}
	}
	for pair, n := range without.Sum {
		if counts.Sum[pair] < tooMany {
			counts.Sum[pair] = n
		}
	}
}

// mayMakeWay tells whether so many of an edge's sessions were given no media yet that a
// stream is placed there for the room they would make.
func (o *opener) mayMakeWay(p *wire.Placement, edge string) bool {
	all, earned := o.control.Loads.Figures(p), o.control.Loads.Earned(p)
	return (all.Delivering[edge]-earned.Delivering[edge])*placesAbove >= all.Limits[edge]
}

// raise makes the limits those of viewers that had a session already.
func raise(p *wire.Placement, counts ring.Figures) {
	for _, e := range p.Edges {
		if counts.Delivering[e.Name] < tooMany { // it has not refused in this opening
			counts.Limits[e.Name] = e.Capacity
		}
	}
}

// query asks the edges for what a choice is made by, where the state source says so
// (claims 2, 3); else it is pushed all the time (claim 4).
func (o *opener) query(ctx context.Context, stream string) {
	p := o.control.Placement()
	switch o.source {
	case StateQuery:
		o.control.Query(ctx, p, nil)
	case StateLoad:
		if len(p.Stream(stream)) > 0 {
			o.control.Query(ctx, p, p.EdgesOf(p.Stream(stream)))
		}
	}
}

// first chooses by what is known; nobody is sent away by figures of a moment ago.
func (o *opener) first(ctx context.Context, p *wire.Placement, stream string) (ring.Choice, ring.Figures) {
	choice, f := o.control.Loads.Choose(p, o.rules, stream, o.now())
	if choice.Edge == "" {
		o.control.Refresh(ctx, p)
		choice, f = o.control.Loads.Choose(p, o.rules, stream, o.now())
	}
	return choice, f
}

// place puts a stream on a pair. Stale: somebody else has placed it meanwhile,
// or the ring has changed.
func (o *opener) place(ctx context.Context, p *wire.Placement, stream string, pair wire.PairID) (reason string) {
	ctx, cancel := context.WithTimeout(ctx, placeLimit)
	defer cancel()
	_, err := o.control.Proposals.Propose(ctx, raftfsm.Command{Kind: raftfsm.Place, Stream: stream, Pair: pair, Before: len(p.Stream(stream)), Version: p.Version})
	switch {
	case err == nil:
		return ""
	case errors.Is(err, raftfsm.ErrStale), errors.Is(err, raftfsm.ErrUnknown), errors.Is(err, raftfsm.ErrRefused):
		return wire.ReasonStale
	case errors.Is(err, raftfsm.ErrLimit), errors.Is(err, raftfsm.ErrMalformed):
		return wire.ReasonCluster
	default:
		return wire.ReasonQuorum
	}
}

// streamOf is the stream of a token whose session asks for a target. One that was taken
// off its pairs, as nobody watched it, is put back where its viewer has a slot. "": it is
// placed nowhere and can't be told from the target.
func (o *opener) streamOf(ctx context.Context, p *wire.Placement, token wire.Token, target string) string {
	if stream, ok := p.StreamBy(token.Stream); ok {
		return stream
	}
	stream := o.node.StreamNamed(token.Stream, target)
	if q, ok := p.Pair(token.Pair); ok && stream != "" && !q.Retiring {
		_ = o.place(ctx, p, stream, token.Pair) // without a majority it is served all the same
	}
	return stream
}

// askSlot asks the chosen edge for a slot.
func (o *opener) askSlot(ctx context.Context, p *wire.Placement, c ring.Choice, request wire.OpenRequest) (given *wire.OpenAnswer, reason string) {
	e, ok := p.Edge(c.Edge)
	if !ok {
		return nil, wire.ReasonStale
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	var answer wire.OpenAnswer
	err := o.call.Ask(ctx, http.MethodPost, e.HTTP+wire.PathOpen, request, &answer)
	var said *call.StatusError
	switch {
	case err == nil && answer.Pair == c.Pair:
		return &answer, ""
	case errors.As(err, &said) && said.Status == http.StatusConflict:
		var refusal wire.Refusal
		if json.Unmarshal(said.Body, &refusal) == nil && refusals[refusal.Reason] != "" {
			return nil, refusal.Reason
		}
	case err != nil && ctx.Err() == nil:
		o.control.Checks.Failed(c.Edge, proxy.CauseOf(err))
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		o.control.Checks.Failed(c.Edge, proxy.CauseStalled)
	}
	return nil, wire.ReasonNoEdge
}

// learn takes an edge's refusal into the figures of this opening, so that
// another one is chosen, or makes room by moving the boundary.
func (o *opener) learn(ctx context.Context, p *wire.Placement, counts ring.Figures, c ring.Choice, why string) string {
	switch why {
	case wire.ReasonSideFull:
		if o.makeRoom(ctx, p, counts, c) {
			return why
		}
		counts.Sum[c.Pair] = tooMany
		return wire.ReasonPairFull
	case wire.ReasonPairFull:
		counts.Sum[c.Pair] = tooMany
	case wire.ReasonStale:
		// The edge has waited for this placement in vain; the next choice is by a newer
		// one, or this pair is passed by.
		if o.control.Placement().Version == p.Version {
			counts.Sum[c.Pair] = tooMany
		}
	default:
		counts.Delivering[c.Edge] = tooMany
	}
	return why
}

// rooms lets one opening move a pair's boundary while the others wait for it.
type rooms struct {
	mu    sync.Mutex
	pairs map[wire.PairID]*sync.Mutex // guarded by mu; as many as there are pairs
}

func (r *rooms) lock(pair wire.PairID) (unlock func()) {
	r.mu.Lock()
	m := r.pairs[pair]
	if m == nil {
		m = new(sync.Mutex)
		r.pairs[pair] = m
	}
	r.mu.Unlock()
	m.Lock()
	return m.Unlock
}

// makeRoom gives the chosen member half of the free slots of the other one's
// side (S124, S130 with a mirrored table), with sessions that stand before them up
// to its limit: beyond it the other one, relieved of them, would take in more than
// the edges can carry after a death (claim 8). Where a pair has given slots away its
// member takes back what fits by now.
func (o *opener) makeRoom(ctx context.Context, seen *wire.Placement, counts ring.Figures, c ring.Choice) bool {
	defer o.rooms.lock(c.Pair)()
	p := o.control.Placement()
	q, ok := p.Pair(c.Pair)
	if !ok || q.Retiring {
		return false
	}
	if was, ok := seen.Pair(c.Pair); ok && (was.Boundary != q.Boundary || !slices.Equal(was.Adopted, q.Adopted)) {
		return true // another viewer's opening has made room
	}
	o.control.Query(ctx, p, []string{q.Low, q.High})
	if len(q.Adopted) > 0 {
		return o.takeBack(ctx, p)
	}
	table := ring.NewTable(q.Slots)
	for _, load := range o.control.Loads.Tables(p, o.now()) {
		if load.Pair == q.ID {
			table = ring.TableOf(q.Slots, load.Taken)
		}
	}
	now := o.control.Loads.Figures(p)
	most := counts.Limits[c.Edge] - now.Delivering[c.Edge]
	if most <= 0 { // by newer figures it would not have been chosen
		counts.Delivering[c.Edge] = tooMany
		return true
	}
	to, ok := ring.Room(p, q, table, c.Edge, most)
	if !ok || to == q.Boundary {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, placeLimit)
	defer cancel()
	_, err := o.control.Proposals.Propose(ctx, raftfsm.Command{Kind: raftfsm.MoveBoundary, Pair: q.ID, Before: q.Boundary, Boundary: to})
	if err == nil {
		toLow := table.Below(to) - table.Below(q.Boundary)
		counts.Delivering[q.Low] += toLow
		counts.Delivering[q.High] -= toLow
	}
	return err == nil || errors.Is(err, raftfsm.ErrStale)
}

// takeBack reckons the spill-over anew (docs/decisions/0007): sessions have ended since
// they were made, in slots that are still given away.
func (o *opener) takeBack(ctx context.Context, p *wire.Placement) bool {
	ctx, cancel := context.WithTimeout(ctx, placeLimit)
	defer cancel()
	result, err := o.control.Proposals.Propose(ctx, raftfsm.Command{
		Kind: raftfsm.Settle, Cause: "a viewer needs a slot that was given away", Loads: o.control.Loads.Tables(p, o.now()),
	})
	return err == nil && result.Changed
}
