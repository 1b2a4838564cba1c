package admission

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/lb/loads"
)

// Where a balancer knows the edges' state from (claims 2, 3, 4).
const (
	StatePush  = "push"  // claim 4: edges tell their load and streams
	StateLoad  = "load"  // claim 3: they tell their load; who stores a stream is asked for
	StateQuery = "query" // claim 2: both are asked for, at each opening
)

// Limit is how long an opening may take in all.
const Limit = 10 * time.Second

// Limits within an opening.
const (
	rounds     = 64              // edges and changes of the placement that are tried: each takes something out of the choice
	askLimit   = 2 * time.Second // for one edge's answer
	placeLimit = 2 * time.Second // for the stream to be placed
	stayFor    = 5 * time.Second // after an attempt in vain no viewer waits for one more pair whose stream has room
	maxLooks   = 3               // how often all edges are asked how they are before a viewer is refused
	maxReliefs = 8               // how many boundaries move for one who would be refused
)

// Bounds of what is asked for a viewer when the cluster is full but for sessions that
// were given no media yet.
const (
	asksForWay  = 3 // edges
	placesAbove = 4 // a stream gets one more pair only where these are one in so many of an edge's limit
)

// Opener opens sessions: it chooses an edge by what is known of the loads, and asks it
// for a slot.
type Opener struct {
	cluster cluster
	loads   *loads.Loads
	named   func(id uint64, target string) string // the stream of a token, where it is placed nowhere
	source  string                                // of the edges' state
	rules   ring.Rules
	rooms   rooms
	placing singleflight.Group // by stream
	now     func() time.Time

	stay atomic.Int64 // unix nanoseconds until when streams are opened where they are, however much their pairs have to do
}

// Config is how viewers are admitted.
type Config struct {
	Source string // StatePush, StateLoad or StateQuery
	Rules  ring.Rules
}

// Deps is what it stands on. All are needed.
type Deps struct {
	Control *control.Control
	Call    *call.Client
	Named   func(id uint64, target string) string // the stream of a token, where it is placed nowhere
	Now     func() time.Time
}

// New starts nothing.
func New(cfg Config, deps Deps) *Opener {
	return &Opener{cluster: calls{deps.Control, deps.Call}, loads: deps.Control.Loads, named: deps.Named, source: cfg.Source, rules: cfg.Rules, now: deps.Now}
}

// Open gets a viewer a slot (PATENT.md steps 1 to 3). The balancer's figures may
// be a moment old, so the edge has the last word, and what it says is believed
// for the rest of the opening. A viewer that had a session is taken in again where
// limits are reached, up to the capacities: they keep room for a death, not against
// those who play. A reason is a refusal.
func (o *Opener) Open(ctx context.Context, stream, viewer string, again bool) (wire.SessionID, string) {
	o.query(ctx, stream)
	t := &attempt{Opener: o, way: o.loads.Opening(o.rules, stream), again: again}
	if o.now().UnixNano() < o.stay.Load() {
		t.way.Stay()
	}
	reason := wire.ReasonCluster
	for range rounds {
		if ctx.Err() != nil {
			break
		}
		p := o.cluster.Placement()
		choice, most := t.way.Choose(p, o.now())
		if choice.Edge == "" {
			if t.otherwise(ctx, p) {
				continue
			}
			return wire.SessionID{}, choice.Reason
		}
		if t.earned && !t.mayAsk(p, choice) {
			o.loads.NotOpened(choice.Edge, choice.Pair, nil)
			return wire.SessionID{}, wire.ReasonCluster
		}
		if choice.Place {
			if why := o.placeOnce(ctx, p, stream, choice.Pair); why != "" {
				o.loads.NotOpened(choice.Edge, choice.Pair, nil)
				if why == wire.ReasonStale || why == wire.ReasonQuorum && t.way.Stay() {
					continue
				}
				return wire.SessionID{}, why
			}
			p = o.cluster.Placement()
		}
		given, refusal := o.askSlot(ctx, p, choice, wire.OpenRequest{
			Pair: choice.Pair, Stream: stream, Viewer: viewer, Version: p.Version, Again: again || choice.Above, Most: most,
		})
		if given != nil {
			o.loads.Opened(choice.Edge, stream, given, o.now())
			o.putBack(ctx, stream, choice.Pair)
			return given.SessionID, ""
		}
		o.loads.NotOpened(choice.Edge, choice.Pair, &refusal.EdgeCount)
		if refusal.Reason == wire.ReasonClient {
			return wire.SessionID{}, refusal.Reason
		}
		t.said = o.now()
		reason = t.learn(ctx, p, choice, refusal.Reason)
	}
	return wire.SessionID{}, reason
}

// attempt is one opening, and what was tried for it.
type attempt struct {
	*Opener
	way    *loads.Opening
	again  bool
	earned bool // what was given no media makes way
	said   time.Time

	looks, reliefs, asked int
}

// otherwise does what is next where no edge can be chosen: nobody is sent away by figures
// of a moment ago, nor by what an edge said while others were about to make room there.
// False: nothing is left.
func (t *attempt) otherwise(ctx context.Context, p *wire.Placement) bool {
	switch {
	case t.looks == 0 || t.looks < maxLooks && !t.earned && t.way.Doubts():
		t.looks++
		t.cluster.Refresh(ctx, p, t.said)
		t.way.Anew()
	case !t.earned && t.reliefs < maxReliefs && t.relieve(ctx, p):
		t.reliefs++
	case t.again && t.way.Raise():
	case !t.earned:
		t.earned = t.way.MakeWay()
	default:
		return false
	}
	return true
}

// mayAsk tells whether one more edge is asked that has no room but for sessions that were
// given no media, and whether those are so many that a stream is placed there for it.
func (t *attempt) mayAsk(p *wire.Placement, c ring.Choice) bool {
	if t.asked++; t.asked > asksForWay {
		return false
	}
	all, earned := t.loads.Figures(p), t.loads.Earned(p)
	return !c.Place || (all.Delivering[c.Edge]-earned.Delivering[c.Edge])*placesAbove >= all.Limits[c.Edge]
}

// query asks the edges for what a choice is made by, where the state source says so
// (claims 2, 3); else it is pushed all the time (claim 4).
func (o *Opener) query(ctx context.Context, stream string) {
	p := o.cluster.Placement()
	switch o.source {
	case StateQuery:
		o.cluster.Query(ctx, p, nil)
	case StateLoad:
		if len(p.Stream(stream)) > 0 {
			o.cluster.Query(ctx, p, p.EdgesOf(p.Stream(stream)))
		}
	}
}

// learn takes an edge's refusal into this opening, so that another one is chosen, or
// makes room by moving the boundary.
func (t *attempt) learn(ctx context.Context, p *wire.Placement, c ring.Choice, why string) string {
	switch why {
	case wire.ReasonBusier:
		t.way.SentBack()
		return wire.ReasonCluster
	case wire.ReasonSideFull:
		if t.makeRoom(ctx, p, c) {
			return why
		}
		t.way.Full(c.Pair)
		return wire.ReasonPairFull
	case wire.ReasonPairFull:
		t.way.Full(c.Pair)
	case wire.ReasonStale:
		// The edge has waited for this placement in vain; the next choice is by a newer
		// one, or this pair is passed by.
		if t.cluster.Placement().Version == p.Version {
			t.way.Full(c.Pair)
		}
	default:
		t.way.Refused(c.Edge)
	}
	return why
}
