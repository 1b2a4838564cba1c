package member

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"tandem/edge/clock"
	"tandem/edge/fetch"
	"tandem/edge/lives"
	"tandem/edge/manifest"

	"github.com/rs/zerolog"

	"tandem/edge/prefetch"
	"tandem/edge/recovery"
	"tandem/edge/silence"
	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/ring"
	"tandem/internal/run"
	"tandem/internal/wire"
	"tandem/segstore"
)

// MemberConfig is what a Member is set to.
type Config struct {
	Name        string
	Data        string // directory in which the incarnation is kept
	Balancers   []string
	Capacity    int
	Assumed     bool   // nobody has stated it: what the placement says counts
	Public      string // base URL for viewers; empty: none
	Zone        string
	After       string
	NoticeEvery time.Duration
	SilentFor   int // notice intervals
	ReportEvery time.Duration
	SessionIdle time.Duration

	ProvisionalIdle      time.Duration // of a session that was given no media yet
	ProvisionalPerClient int           // of them, beyond as many as the client plays; 0: any number

	CopyRate    int64 // bytes a second
	FillTimeout time.Duration
	Query       cachekey.Query // of objects' names
}

// MemberDeps is what a Member stands on.
type Deps struct {
	Logger    zerolog.Logger
	Now       func() time.Time
	Clock     *clock.Clock // by which times of day are told
	Store     *segstore.Store
	View      *fetch.View
	Call      *call.Client
	Fetch     *fetch.Fetcher
	Manifests *manifest.Cache
	Traffic   func() wire.Report                // what a report says of the edge's other rooms
	Heard     func(wire.ReportAnswer)           // what a balancer says to it
	Applied   func(before, now *wire.Placement) // another placement counts
}

// MemberCounts are figures since the start.
type Counts struct {
	Inherited, Expired, Shed, Suspected atomic.Int64
	Notices, Reports                    atomic.Int64
}

// Member is an edge's place in the ring.
type Member struct {
	*Positions

	cfg     Config
	log     zerolog.Logger
	now     func() time.Time
	clock   *clock.Clock
	store   *segstore.Store
	view    *fetch.View
	call    *call.Client
	fetch   *fetch.Fetcher
	traffic func() wire.Report
	heard   func(wire.ReportAnswer)
	applied func(before, now *wire.Placement)
	tables  *tables
	numbers lives.Numbers
	Keys    wire.KeyRing // open the tokens of sessions

	changed     chan struct{} // one token: the placement changed
	incarnation atomic.Uint64
	taken       atomic.Bool // out of the ring, by an operator's order
	leaving     atomic.Bool // the process is about to end
	address     string      // base URL that others use; set before Run
	admin       string

	takeovers chan []prefetch.Inherited
	Foresight foresight
	silence   silence.Detector
	standIns  *silence.StandIns
	lag       silence.Lag
	next      *segments
	Prefetch  *prefetch.Prefetcher
	Copier    *recovery.Copier
	applying  sync.Mutex                     // the placement, and what is laid over it, one change at a time
	base      atomic.Pointer[wire.Placement] // never nil: the placement as it was committed
	purged    uint64                         // owned by follow
	foreign   foreign
	whole     bool          // owned by follow: what has changed did not fit what is here
	digester  ring.Digester // owned by follow

	Counts Counts
}

// NewMember makes one; it starts nothing.
func New(cfg Config, deps Deps) *Member {
	if cfg.ProvisionalIdle == 0 {
		cfg.ProvisionalIdle = cfg.SessionIdle
	}
	m := &Member{
		cfg: cfg, log: deps.Logger, now: deps.Now, clock: deps.Clock, store: deps.Store, view: deps.View, call: deps.Call, fetch: deps.Fetch, traffic: deps.Traffic, heard: deps.Heard, applied: deps.Applied,
		tables: newTables(cfg.Name), numbers: lives.Numbers{Dir: cfg.Data, Log: deps.Logger}, changed: make(chan struct{}, 1), takeovers: make(chan []prefetch.Inherited, 16),
	}
	m.tables.perClient = cfg.ProvisionalPerClient
	m.Positions = newPositions(m.tables, deps.Manifests, m.clock.Now)
	m.incarnation.Store(m.numbers.Next(uint64(m.now().UnixMilli()), m.incarnation.Load()))
	m.purged = m.numbers.Read("purged")
	m.fetch.Purged(m.purged)
	m.base.Store(m.view.Placement())
	m.Copier = recovery.New(recovery.Deps{Name: cfg.Name, Rate: cfg.CopyRate, Log: m.log, Now: m.now, Clock: m.clock, Store: m.store, Fetch: m.fetch, Call: m.call})
	m.next = &segments{Positions: m.Positions, log: m.log, store: m.store, fetch: m.fetch, query: cfg.Query, limit: cfg.FillTimeout}
	m.Positions.renew, m.Positions.query = m.next.renew, m.next.query
	m.Prefetch = prefetch.New(prefetch.Deps{Logger: m.log, Now: m.clock.Now, Ahead: m.next.ahead, Renew: m.next.renew, Load: m.next.load, Expect: m.tables.expect})
	m.Foresight = foresight{member: m, signs: make(chan string, 64)}
	m.standIns = &silence.StandIns{Log: m.log, Now: m.now, Base: m.base.Load, Changed: m.show, Ping: m.call.Ping}
	return m
}

// Bind tells the base URLs that others use. To be called before Run.
func (m *Member) Bind(address, admin string) { m.address, m.admin = address, admin }

// Run runs the member's loops until ctx ends.
func (m *Member) Run(ctx context.Context) error {
	return run.Group(
		ctx,
		run.Part{Name: "notices", Run: m.notices},
		run.Part{Name: "reports", Run: m.reports},
		run.Part{Name: "detect", Run: m.detect},
		run.Part{Name: "standin", Run: m.standIn},
		run.Part{Name: "expire", Run: m.expire},
		run.Part{Name: "copying", Run: m.copying},
		run.Part{Name: "prefetch", Run: func(ctx context.Context) error { return m.Prefetch.Run(ctx, m.takeovers) }},
		run.Part{Name: "foresight", Run: m.Foresight.run},
		run.Part{Name: "positions", Run: m.Positions.run},
		run.Part{Name: "renewals", Run: m.renewals.Run},
		run.Part{Name: "follow", Run: m.follow},
	)
}

// Incarnation is the number of this edge's present life.
func (m *Member) Incarnation() uint64 { return m.incarnation.Load() }

// Capacity is how many sessions it can deliver: as stated, or as the placement has it.
func (m *Member) Capacity() int {
	if self, ok := m.base.Load().Edge(m.cfg.Name); ok && m.cfg.Assumed {
		return self.Capacity
	}
	return m.cfg.Capacity
}

// Delivering is how many sessions this edge delivers by the tables.
func (m *Member) Delivering() int { return m.tables.delivering() }

// StandIns is for how many neighbours this edge stands in by its own word.
func (m *Member) StandIns() int { return len(m.standIns.List()) }

// Sessions are those that this edge delivers, at most limit; total counts all.
func (m *Member) Sessions(limit int) (list []wire.SessionInfo, total int) {
	return m.tables.sessions(limit)
}

// End ends a session. False: this edge does not deliver it.
func (m *Member) End(id wire.SessionID) bool {
	_, mine := m.tables.close(id)
	return mine
}

// Touch notes a request of a session and returns where it is kept. A reason is a
// refusal.
func (m *Member) Touch(id wire.SessionID, stream, viewer string, at time.Time) (binding Binding, reason string) {
	binding, reason = m.tables.touch(id, stream, viewer, at.UnixMilli())
	if binding.Of != "" { // who brings it here has not got it from that one
		m.Foresight.sign(binding.Of)
	}
	return binding, reason
}

// Asks notes what a session asks for that was taken over: first is the first byte.
func (m *Member) Asks(pair wire.PairID, slot int, key string, first int64) {
	m.tables.asks(pair, slot, key, first)
}

// prepareFor is how long a manifest waits for the next segment of one who was taken
// over: less than what a balancer takes for silence.
const prepareFor = 250 * time.Millisecond

// Prepare is called before a manifest is given to a session that was taken over: what
// comes next in the tracks that are in it is made ready first.
func (m *Member) Prepare(ctx context.Context, pair wire.PairID, slot int, manifest string) {
	if of := m.tables.awaits(pair, slot, manifest); len(of.Tracks) > 0 {
		ctx, cancel := context.WithTimeout(ctx, prepareFor)
		defer cancel()
		m.Prefetch.Await(ctx, of)
	}
}

// Takeovers are the outcomes of first requests after takeovers.
func (m *Member) Takeovers() *prefetch.Takeovers { return &m.tables.counts }

// post sends JSON to a node and reads JSON back; answer may be nil.
func (m *Member) post(ctx context.Context, limit time.Duration, url string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return m.call.Ask(ctx, http.MethodPost, url, body, answer)
}
