package lb

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/lb/loads"
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

// maxLooks is how often all edges are asked how they are before a viewer is refused.
const maxLooks = 3

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
	placing singleflight.Group // by stream
	now     func() time.Time
}

// open gets a viewer a slot (PATENT.md steps 1 to 3). The balancer's figures may
// be a moment old, so the edge has the last word, and what it says is believed
// for the rest of the opening. A viewer that had a session is taken in again where
// limits are reached, up to the capacities: they keep room for a death, not against
// those who play. A reason is a refusal.
func (o *opener) open(ctx context.Context, stream, viewer string, again bool) (wire.SessionID, string) {
	o.query(ctx, stream)
	reason, earned, looks, asked, said := wire.ReasonCluster, false, 0, 0, time.Time{}
	way := o.control.Loads.Opening(o.rules, stream)
	for range openRounds {
		if ctx.Err() != nil {
			return wire.SessionID{}, reason
		}
		p := o.control.Placement()
		choice, most := way.Choose(p, o.now())
		switch {
		case choice.Edge != "":
		case looks == 0 || looks < maxLooks && !earned && way.Doubts():
			// Nobody is sent away by figures of a moment ago, nor by what an edge said while
			// others were about to make room there.
			looks++
			o.control.Refresh(ctx, p, said)
			way.Anew()
			continue
		case again && way.Raise():
			continue
		case !earned:
			earned = way.MakeWay()
			continue
		default:
			return wire.SessionID{}, choice.Reason
		}
		if earned {
			if asked++; asked > asksForWay || choice.Place && !o.mayMakeWay(p, choice.Edge) {
				o.control.Loads.NotOpened(choice.Edge, choice.Pair, nil)
				return wire.SessionID{}, wire.ReasonCluster
			}
		}
		if choice.Place {
			if why := o.placeOnce(ctx, p, stream, choice.Pair); why != "" {
				o.control.Loads.NotOpened(choice.Edge, choice.Pair, nil)
				if why == wire.ReasonStale {
					continue
				}
				return wire.SessionID{}, why
			}
			p = o.control.Placement()
		}
		given, refusal := o.askSlot(ctx, p, choice, wire.OpenRequest{
			Pair: choice.Pair, Stream: stream, Viewer: viewer, Version: p.Version, Again: again || choice.Above, Most: most,
		})
		if given != nil {
			o.control.Loads.Opened(choice.Edge, stream, given, o.now())
			return given.SessionID, ""
		}
		o.control.Loads.NotOpened(choice.Edge, choice.Pair, &refusal.EdgeCount)
		if refusal.Reason == wire.ReasonClient {
			return wire.SessionID{}, refusal.Reason
		}
		said = o.now()
		reason = o.learn(ctx, p, way, choice, refusal.Reason)
	}
	return wire.SessionID{}, reason
}

// mayMakeWay tells whether so many of an edge's sessions were given no media yet that a
// stream is placed there for the room they would make.
func (o *opener) mayMakeWay(p *wire.Placement, edge string) bool {
	all, earned := o.control.Loads.Figures(p), o.control.Loads.Earned(p)
	return (all.Delivering[edge]-earned.Delivering[edge])*placesAbove >= all.Limits[edge]
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

// placeOnce is place for one of those who would do it now. The others come too late,
// as if another balancer had been quicker, or are refused with it.
func (o *opener) placeOnce(ctx context.Context, p *wire.Placement, stream string, pair wire.PairID) (reason string) {
	mine := false
	why, _, _ := o.placing.Do(stream, func() (any, error) {
		mine = true
		return o.place(context.WithoutCancel(ctx), p, stream, pair), nil // its viewer may go while others wait
	})
	if reason = why.(string); reason == "" && !mine {
		return wire.ReasonStale
	}
	return reason
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

// askSlot asks the chosen edge for a slot: it gives one, or says why not.
func (o *opener) askSlot(ctx context.Context, p *wire.Placement, c ring.Choice, request wire.OpenRequest) (*wire.OpenAnswer, wire.Refusal) {
	e, ok := p.Edge(c.Edge)
	if !ok {
		return nil, wire.Refusal{Reason: wire.ReasonStale}
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	var answer wire.OpenAnswer
	err := o.call.Ask(ctx, http.MethodPost, e.HTTP+wire.PathOpen, request, &answer)
	var said *call.StatusError
	switch {
	case err == nil && answer.Pair == c.Pair:
		return &answer, wire.Refusal{}
	case errors.As(err, &said) && said.Status == http.StatusConflict:
		var refusal wire.Refusal
		if json.Unmarshal(said.Body, &refusal) == nil && (refusals[refusal.Reason] != "" || refusal.Reason == wire.ReasonBusier) {
			return nil, refusal
		}
	case err != nil && ctx.Err() == nil:
		o.control.Checks.Failed(c.Edge, proxy.CauseOf(err))
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		o.control.Checks.Failed(c.Edge, proxy.CauseStalled)
	}
	return nil, wire.Refusal{Reason: wire.ReasonNoEdge}
}

// learn takes an edge's refusal into this opening, so that another one is chosen, or
// makes room by moving the boundary.
func (o *opener) learn(ctx context.Context, p *wire.Placement, way *loads.Opening, c ring.Choice, why string) string {
	switch why {
	case wire.ReasonBusier:
		way.SentBack()
		return wire.ReasonCluster
	case wire.ReasonSideFull:
		if o.makeRoom(ctx, p, way, c) {
			return why
		}
		way.Full(c.Pair)
		return wire.ReasonPairFull
	case wire.ReasonPairFull:
		way.Full(c.Pair)
	case wire.ReasonStale:
		// The edge has waited for this placement in vain; the next choice is by a newer
		// one, or this pair is passed by.
		if o.control.Placement().Version == p.Version {
			way.Full(c.Pair)
		}
	default:
		way.Refused(c.Edge)
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
func (o *opener) makeRoom(ctx context.Context, seen *wire.Placement, way *loads.Opening, c ring.Choice) bool {
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
	most := way.Room(p, c.Edge)
	if most <= 0 { // by newer figures it would not have been chosen
		way.Refused(c.Edge)
		return true
	}
	to, ok := ring.Room(p, q, table, c.Edge, most)
	if !ok || to == q.Boundary {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, placeLimit)
	defer cancel()
	result, err := o.control.Proposals.Propose(ctx, raftfsm.Command{Kind: raftfsm.MoveBoundary, Pair: q.ID, Before: q.Boundary, Boundary: to})
	if err == nil {
		o.control.Loads.Moved(result.Version, q.Low, q.High, table.Below(to)-table.Below(q.Boundary))
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
