package lb

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"tandem/internal/call"
	"tandem/internal/front"
	"tandem/internal/run"
	"tandem/internal/wire"
	"tandem/lb/proxy"
	"tandem/raftfsm"
)

// Deps is what a balancer stands on.
type Deps struct {
	Logger   zerolog.Logger
	Registry *prometheus.Registry // nil: one of its own
	Now      func() time.Time     // nil: time.Now
}

// LB is one balancer.
type LB struct {
	cfg         Config
	log         zerolog.Logger
	registry    *prometheus.Registry
	now         func() time.Time
	started     time.Time
	node        *raftfsm.Node
	self        wire.Balancer
	call        *call.Client
	proposals   *proposals
	loads       *loads
	suspects    *suspects
	proxy       *proxy.Proxy
	known       *known
	rooms       rooms
	hub         *hub
	receipts    *receipts
	heirs       *heirs
	peers       *peers
	guard       *guard
	certificate *certificate // nil without one
	counts      *counts
	polls       placementText
	statuses    statusText

	refreshing sync.Mutex
	refreshed  time.Time // guarded by refreshing

	leaving chan struct{} // closed when a server shuts down: whoever is kept waiting goes
	left    sync.Once
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
	certificate, err := openCertificate(cfg.TLSCert, cfg.TLSKey, deps.Logger)
	if err != nil {
		return nil, err
	}
	node, err := openNode(cfg, deps)
	if err != nil {
		return nil, err
	}
	l := &LB{
		cfg: cfg, log: deps.Logger, registry: deps.Registry, now: deps.Now, started: deps.Now(), node: node, self: cfg.self(node.RaftAddr()),
		call: call.NewClient(cfg.Name, cfg.Secret), loads: newLoads(), known: newKnown(deps.Now), hub: newHub(deps.Now),
		receipts: newReceipts(), heirs: newHeirs(), peers: newPeers(), certificate: certificate, leaving: make(chan struct{}),
		rooms: rooms{pairs: map[wire.PairID]*sync.Mutex{}},
	}
	l.counts = newCounts(l)
	l.proposals = &proposals{node: node, call: l.call, now: deps.Now, done: l.counts.proposed}
	l.suspects = &suspects{
		node: node, proposals: l.proposals, loads: l.loads, secret: cfg.Secret, name: cfg.Name, log: deps.Logger, now: deps.Now,
		ping: cfg.PingTimeout, silent: cfg.SilentFor, event: l.hub.own, asked: make(chan suspicion, raftfsm.MaxEdges),
		checked: map[string]*checkState{}, seen: map[edgeLife]time.Time{},
	}
	l.proxy = proxy.New(cfg.proxy, proxy.Deps{
		Secret: cfg.Secret, Name: cfg.Name, Logger: deps.Logger, Now: deps.Now, Failed: l.suspects.failed, Moved: l.moved, Room: l.hasRoom,
	})
	l.guard = newGuard(cfg.MaxConnections, cfg.MaxPerClient, cfg.MinRate, l.counts.slow.Inc, l.counts.tooMany.Inc)
	if err := l.register(); err != nil {
		return nil, errors.Join(err, node.Close())
	}
	return l, nil
}

// openNode opens the replica. Without other balancers to begin with, and without
// a cluster to join, this one is the cluster.
func openNode(cfg Config, deps Deps) (*raftfsm.Node, error) {
	c := cfg.raft
	c.Name, c.Dir, c.Secret, c.Logger, c.Now, c.Peers = cfg.Name, cfg.Data, cfg.Secret, deps.Logger, deps.Now, cfg.peers
	if len(c.Peers) == 0 && cfg.Join == "" {
		c.Peers = []wire.Balancer{{Name: cfg.Name, HTTP: cfg.self("").HTTP}}
	}
	return raftfsm.Open(c)
}

// Run runs the balancer's loops until ctx ends, then closes the replica. It
// needs the listeners to be served for all but the viewers of edges it knows.
func (l *LB) Run(ctx context.Context) error {
	parts := []run.Part{
		{Name: "pump", Run: l.pump},
		{Name: "proxy", Run: l.proxy.Run},
		{Name: "suspects", Run: l.suspects.run},
		{Name: "watch", Run: l.watch},
		{Name: "alive", Run: l.alive},
		{Name: "chores", Run: l.chores},
		{Name: "guard", Run: l.guard.run},
	}
	if l.certificate != nil {
		parts = append(parts, run.Part{Name: "certificate", Run: l.certificate.run})
	}
	err := run.Group(ctx, parts...)
	l.leave()
	l.call.Close()
	return errors.Join(err, l.node.Close())
}

// leave lets everybody go who is kept waiting: polls and streams of events.
func (l *LB) leave() { l.left.Do(func() { close(l.leaving) }) }

// Placement is the present placement.
func (l *LB) Placement() *wire.Placement { return l.node.Placement() }

// Check walks the truths of the replica.
func (l *LB) Check() error { return l.node.Check() }

// watch follows the placement: what is gone is forgotten, and nobody waits on
// connections to an edge that was declared dead.
func (l *LB) watch(ctx context.Context) error {
	down := map[string]bool{}
	for {
		changed := l.node.Watch()
		p := l.node.Placement()
		for _, e := range p.Edges {
			if dead := e.State == wire.EdgeDown; dead != down[e.Name] {
				down[e.Name] = dead
				if dead {
					l.proxy.Drop(e.Name)
				}
			}
		}
		l.loads.keep(p)
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// pump gives the placement's events to those who watch.
func (l *LB) pump(ctx context.Context) error {
	events, cancel := l.node.Subscribe(1024)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-events:
			if !ok {
				return nil
			}
			l.hub.placed(e)
		}
	}
}

// hasRoom tells whether an edge may be asked for what is not its own share.
func (l *LB) hasRoom(edge string) bool {
	e, ok := l.node.Placement().Edge(edge)
	return ok && l.loads.delivering(e) < e.Capacity
}

// moved notes how a response went on at another edge.
func (l *LB) moved(t proxy.Takeover) {
	l.counts.moved(t)
	e, _ := l.node.Placement().Edge(t.From)
	l.receipts.moved(edgeLife{t.From, e.Incarnation}, t)
	text := "A response of " + t.From + " could not be finished (" + t.Cause + ")."
	if t.OK {
		text = t.To + " finished a response of " + t.From + " (" + t.Cause + ") after " + t.Gap.Round(time.Millisecond).String() + "."
	}
	l.hub.own(wire.Event{Kind: "takeover", Edge: t.From, Text: text})
	line := l.log.Info()
	if !t.OK {
		line = l.log.Warn()
	}
	line.Str("from", t.From).Str("to", t.To).Str("cause", t.Cause).Str("phase", t.Phase).Int64("offset", t.Offset).Dur("gap", t.Gap).Str("path", t.Path).Msg("takeover")
}

// ready is nil, or why this balancer should get no viewers.
func (l *LB) ready() error {
	if _, ok := l.node.Leader(); !ok {
		return errors.New("nobody leads the balancers; see --peers")
	}
	for _, e := range l.node.Placement().Edges {
		if delivers(e) {
			return nil
		}
	}
	return errors.New("no edge is up; see the edges' --balancers")
}

// headLimit bounds the head of a viewer's request, in bytes.
const headLimit = 32 << 10

// Server is a server of net/http for viewers, with limits against slow and
// hostile clients: for TLS, and for what loops don't read.
func (l *LB) Server(h http.Handler) *http.Server {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: l.cfg.HeaderTimeout,
		IdleTimeout:       l.cfg.IdleTimeout,
		MaxHeaderBytes:    headLimit,
		ConnContext:       l.guard.enter,
		ConnState:         l.guard.state,
		ErrorLog:          serverLog(l.log),
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100, SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: 30 * time.Second},
	}
	s.RegisterOnShutdown(l.leave)
	return s
}

// Front is the server for viewers without TLS, and for nodes: on loops, with the
// same limits. quick answers there: Relays, or what stands before it.
func (l *LB) Front(h http.Handler, quick func(*front.Loop) front.Quick) *front.Server {
	return front.New(front.Config{
		Handler: h, Quick: quick, Ways: &l.counts.ways, Fallback: l.Server(h), Foreign: func(target string) bool { return strings.HasPrefix(target, wire.Internal) },
		HeadLimit: headLimit, HeadTimeout: l.cfg.HeaderTimeout, IdleTimeout: l.cfg.IdleTimeout, MinRate: l.cfg.MinRate,
		Enter: func(address string) (any, bool) {
			c, ok := l.guard.admit(address)
			return c, ok
		},
		Leave:   func(held any) { l.guard.leave(held.(*client)) },
		Context: func(ctx context.Context, held any) context.Context { return withClient(ctx, held.(*client)) },
		Slow:    l.counts.slow.Inc,
		Panic: func(r *http.Request, why any) {
			l.log.Error().Interface("why", why).Str("path", proxy.PathOf(r.RequestURI)).Bytes("stack", debug.Stack()).Msg("a request panicked")
		},
	})
}
