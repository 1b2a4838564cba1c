package lb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"tandem/internal/budget"
	"tandem/internal/call"
	"tandem/internal/certificate"
	"tandem/internal/front"
	"tandem/internal/front/kernel"
	"tandem/internal/front/streams"
	"tandem/internal/h1"
	"tandem/internal/identity"
	"tandem/internal/obs"
	"tandem/internal/ring"
	"tandem/internal/run"
	"tandem/internal/sealedhead"
	"tandem/internal/wire"
	"tandem/lb/admission"
	"tandem/lb/api"
	"tandem/lb/control"
	"tandem/lb/proxy"
	"tandem/raftfsm"
)

// Deps is what a balancer stands on.
type Deps struct {
	Logger   zerolog.Logger
	Registry *prometheus.Registry       // nil: one of its own
	Now      func() time.Time           // nil: time.Now
	Recover  func(string) error         // starts the process anew as the only voter, by its disk; nil: it can't be
	Reload   func() (any, error)        // reads the configuration anew and tells what that did; nil: it can't be
	Troubles func() []wire.Trouble      // what the process has to tell operators beside; nil: nothing
	TakenOut func()                     // an operator has taken this balancer out of the cluster; nil: nobody is told
	Anew     func(uint64, string) error // starts the process anew with what is on its disk of before an era put aside, to be let in by the balancer at a base URL; nil: it can't be
}

// LB is one balancer.
type LB struct {
	cfg         Config
	log         zerolog.Logger
	now         func() time.Time
	started     time.Time
	node        *raftfsm.Node
	call        *call.Client
	control     *control.Control
	api         *api.API
	events      *api.Events
	receipts    *api.Receipts
	audits      *api.Audits // what operators ask of this balancer
	proxy       *proxy.Proxy
	clients     *clientTable
	moves       moves
	opener      *admission.Opener
	refused     *budget.Rate // openings that were refused
	connections *connLimiter
	entrance    *entrance
	certificate *certificate.File   // nil without one
	identity    *identity.Bundle    // nil: nodes show the secret
	tickets     *sealedhead.Tickets // nil: media comes by TLS, or nodes have no names
	nodes       *front.Others       // those who call at the viewers' listener; nil: none does
	counts      *counts
	budgets     *budget.Watch

	leaving chan struct{} // closed when a server shuts down: whoever is kept waiting goes
	leave   func()        // lets everybody go who is kept waiting, polls and streams of events; once is enough
}

// New opens this balancer's copy of the placement. It starts nothing of its own;
// Run has to be called, which closes what New has opened.
func New(cfg Config, deps Deps) (*LB, error) {
	if deps.Registry == nil {
		deps.Registry = prometheus.NewRegistry()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.TakenOut == nil {
		deps.TakenOut = func() {}
	}
	shown, err := certificate.Open(cfg.TLSCert, cfg.TLSKey, deps.Logger)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	id, err := cfg.openIdentity(deps.Now)
	if err != nil {
		return nil, err
	}
	node, err := openNode(cfg, deps, id)
	if err != nil {
		return nil, err
	}
	l := &LB{
		cfg: cfg, log: deps.Logger, now: deps.Now, started: deps.Now(), node: node, call: call.NewClient(cfg.Name, cfg.Secret, id), identity: id, nodes: cfg.openNodes(),
		clients: newClientTable(deps.Now), refused: budget.NewRate(cfg.MaxRefused, deps.Now), moves: moves{table: newClientTable(deps.Now)}, events: api.NewEvents(deps.Now), receipts: api.NewReceipts(), certificate: shown,
		leaving: make(chan struct{}),
	}
	l.leave = sync.OnceFunc(func() { close(l.leaving) })
	l.counts = newCounts(l)
	l.openRooms(deps)
	if l.entrance, err = openEntrance(cfg.AccessFile, deps.Logger, deps.Now, l.control.Placement, l.counts.keptOut); err != nil {
		return nil, errors.Join(err, node.Close())
	}
	l.connections = newConnLimiter(cfg.MaxConnections, cfg.MaxPerClient, cfg.MinRate, l.cfg.Proxies.ClientOf(wire.ClientOf), l.counts.slow.Inc)
	l.connections.held.Limit(kernel.HeldMost(cfg.MaxHeld))
	l.connections.relieved = relieves(l)
	l.budgets = budget.NewWatch(cfg.Name, budget.Refused{Connections: l.connections.Limiter, Openings: l.counts.overClient.load, Relieved: l.counts.relieved.load}, func(what string) {
		l.log.Warn().Str("what", what).Msg("a budget is used up")
	})
	if err := l.register(deps.Registry); err != nil {
		return nil, errors.Join(err, node.Close())
	}
	return l, nil
}

// openRooms makes the rooms of a balancer, which know each other only by what is
// handed to them here.
func (l *LB) openRooms(deps Deps) {
	cfg := l.cfg
	l.call.Expect(call.Whose(func() *wire.Placement { return l.control.Placement() }, cfg.Join))
	l.control = control.New(control.Config{
		Name: cfg.Name, Join: cfg.Join, First: cfg.peers, Admission: cfg.Admission, DeadAfter: cfg.DeadAfter, SilentFor: cfg.SilentFor, PingTimeout: cfg.PingTimeout,
		UnplaceAfter: cfg.UnplaceAfter, KeyLife: cfg.KeyLife, TokenLife: cfg.TokenLifetime,
	}, control.Deps{
		Node: l.node, Call: l.call, Secret: cfg.Secret, Identity: l.identity, Self: cfg.self(l.node.RaftAddr()), Elsewhere: wire.Balancer{HTTP: cfg.alsoHTTP(), Raft: cfg.alsoRaft()}, Logger: deps.Logger, Now: deps.Now, Event: l.events.Own,
		Proposed: l.counts.proposed, Foreign: l.counts.foreign.Inc, Down: func(edge string) { l.proxy.Drop(edge) }, Leaving: l.leaving, Anew: deps.Anew, TakenOut: deps.TakenOut,
		Build: obs.BuildName(), Troubles: func() []wire.Trouble { return troubles(l, deps.Troubles) }, Renewed: func() { renewed(l) }, Protects: func() ([]wire.Protected, bool) { return l.entrance.protects() },
	})
	l.opener = admission.New(admission.Config{Source: cfg.StateSource, Rules: ring.Rules{Choose: cfg.Choose, FailSafe: cfg.FailSafe, HotShare: cfg.HotShare}},
		admission.Deps{Control: l.control, Call: l.call, Named: l.node.StreamNamed, Now: l.now})
	l.tickets = openTickets(l)
	l.proxy = proxy.New(cfg.proxy, proxy.Deps{
		Secret: cfg.Secret, Identity: l.identity, Tickets: l.tickets, Name: cfg.Name, Logger: deps.Logger, Now: deps.Now, Failed: l.control.Checks.Failed, Moved: l.moved, Room: l.control.HasRoom,
		Waits: func(ctx context.Context, edge, named string, got int64) bool {
			return waitsForOrigin(ctx, l, edge, named, got)
		},
		Deadly: func(target string) { tellDeadly(l, target) },
		Gone:   func(ctx context.Context, edge string) bool { return gone(ctx, l, edge) },
	})
	l.audits = api.NewAudits(cfg.Name, l.control.Proposals.Propose)
	l.api = api.New(api.Deps{
		Node: l.node, Control: l.control, Events: l.events, Receipts: l.receipts, Audits: l.audits, Call: l.call, Registry: deps.Registry, Logger: deps.Logger, Now: deps.Now,
		Name: cfg.Name, StateSource: cfg.StateSource, Refused: l.counts.refusedAll.load, Takeovers: l.counts.takeoversAll.load, Leaving: l.leaving,
		Recover: deps.Recover, Reload: deps.Reload, DemoControl: cfg.DemoControl,
	})
}

// openNode opens the replica. Without other balancers to begin with, and without
// a cluster to join, this one is the cluster.
func openNode(cfg Config, deps Deps, id *identity.Bundle) (*raftfsm.Node, error) {
	c := cfg.raft
	c.Identity = id
	c.Name, c.Dir, c.Secret, c.Logger, c.Now, c.Peers = cfg.Name, cfg.Data, cfg.Secret, deps.Logger, deps.Now, cfg.peers
	c.Committed = api.Logged(deps.Logger)
	c.Also = cfg.alsoRaft()
	c.Hold = len(c.Peers) > 1 || cfg.Join != ""
	if len(c.Peers) == 0 && cfg.Join == "" {
		c.Peers = []wire.Balancer{{Name: cfg.Name, HTTP: cfg.self("").HTTP}}
	}
	return raftfsm.Open(c)
}

// Run runs the balancer's loops until ctx ends, then closes the replica. It
// needs the listeners to be served for all but the viewers of edges it knows.
func (l *LB) Run(ctx context.Context) error {
	parts := []run.Part{
		{Name: "api", Run: l.api.Run},
		{Name: "proxy", Run: l.proxy.Run},
		{Name: "control", Run: l.control.Run},
		{Name: "connections", Run: l.connections.run},
		{Name: "access", Run: l.entrance.run},
	}
	if l.certificate != nil {
		parts = append(parts, run.Part{Name: "certificate", Run: l.certificate.Run})
	}
	if l.tickets != nil {
		parts = append(parts, run.Part{Name: "tickets", Run: l.tickets.Run})
	}
	err := run.Group(ctx, parts...)
	l.leave()
	l.call.Close()
	return errors.Join(err, l.node.Close())
}

// Keys open the tokens of sessions.
func (l *LB) Keys() *wire.KeyRing { return l.control.Tokens.Ring }

// Placement is the placement that viewers are routed by.
func (l *LB) Placement() *wire.Placement { return l.control.Placement() }

// Check walks the truths of the replica.
func (l *LB) Check() error { return l.node.Check() }

// Admin is the operators' side: dashboard, API, metrics, health, profiles.
func (l *LB) Admin() http.Handler { return l.api.Handler() }

// moved notes how a response went on at another edge; the proxy has logged it.
func (l *LB) moved(t proxy.Takeover) {
	l.counts.moved(t)
	if t.Lost {
		l.receipts.Moved(ring.Life{Edge: t.From, Incarnation: t.Life}, l.now(), t.Gap, t.OK)
	}
	text := "A response of " + t.From + " could not be finished (" + t.Cause + ")."
	if t.OK {
		text = t.To + " finished a response of " + t.From + " (" + t.Cause + ") after " + t.Gap.Round(time.Millisecond).String() + "."
	}
	l.events.Own(wire.Event{Kind: "takeover", Edge: t.From, Text: text})
}

// http2 is for viewers who have chosen it, with limits against slow and hostile clients.
func (l *LB) http2(h http.Handler) *streams.Config {
	return &streams.Config{
		Handler:      l.connections.counted(h),
		FrameTimeout: l.cfg.HeaderTimeout, IdleTimeout: l.cfg.IdleTimeout, MinRate: l.cfg.MinRate, Slow: l.counts.slow.Inc,
	}
}

// Front is the server for viewers without TLS, and for nodes: on loops, with the
// same limits. quick answers there: Relays, or what stands before it.
func (l *LB) Front(h http.Handler, quick func(*front.Loop) front.Quick) *front.Server {
	cfg := viewerConfig(l, h, quick)
	cfg.Others = l.nodes
	return front.New(cfg)
}

// Secure is the server for viewers with TLS; nil without a certificate.
func (l *LB) Secure(h http.Handler, quick func(*front.Loop) front.Quick) *front.Server {
	if l.certificate == nil {
		return nil
	}
	cfg := viewerConfig(l, h, quick)
	cfg.TLS, cfg.HTTP2 = l.certificate.Config(), l.http2(h)
	cfg.Unshaken = func(err error) { l.log.Debug().Err(err).Msg("TLS handshake failed") }
	return front.New(cfg)
}

func viewerConfig(l *LB, h http.Handler, quick func(*front.Loop) front.Quick) front.Config {
	return front.Config{
		Handler: h, Quick: quick, Ways: &l.counts.ways,
		Limits: h1.Viewers, HeadTimeout: l.cfg.HeaderTimeout, IdleTimeout: l.cfg.IdleTimeout, MinRate: l.cfg.MinRate, BodyRate: l.cfg.MinRate, MaxQueue: int(l.cfg.MaxQueue),
		Proxies: l.cfg.Proxies,
		Enter: func(address string) (any, bool) {
			c, ok := l.connections.admit(address)
			return c, ok
		},
		Proves:  l.connections.proves(l.cfg.Secret),
		Leave:   func(held any) { l.connections.leave(held.(*client)) },
		Context: func(ctx context.Context, held any) context.Context { return withClient(ctx, held.(*client)) },
		Slow:    l.counts.slow.Inc, Noisy: l.counts.noisy.Inc, Streams: l.connections.speaks,
		Held: l.connections.held, Received: func(held any) int64 { return held.(*client).taker.Held() }, Relieved: l.connections.relieved,
		Panic: func(r *http.Request, why any) {
			l.log.Error().Interface("why", why).Str("path", proxy.PathOf(r.RequestURI)).Bytes("stack", debug.Stack()).Msg("a request panicked")
		},
	}
}
