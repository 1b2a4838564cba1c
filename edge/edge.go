package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"tandem/edge/clock"
	"tandem/edge/fetch"
	"tandem/edge/former"
	"tandem/edge/interim"
	"tandem/edge/manifest"
	"tandem/edge/member"
	"tandem/edge/multicast"
	"tandem/edge/ranged"
	"tandem/edge/stepback"
	"tandem/edge/upstream"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"tandem/internal/budget"
	"tandem/internal/call"
	"tandem/internal/front"
	"tandem/internal/front/kernel"
	"tandem/internal/identity"
	"tandem/internal/keywait"
	"tandem/internal/obs"
	"tandem/internal/protected"
	"tandem/internal/run"
	"tandem/internal/sealedhead"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Deps is what an edge is handed.
type Deps struct {
	Logger   zerolog.Logger
	Registry *prometheus.Registry
	Now      func() time.Time      // time.Now when nil
	Troubles func() []wire.Trouble // what the process has to tell operators beside; nil: nothing
}

// Edge is one member of the ring, or a caching proxy alone.
type Edge struct {
	cfg       Config
	log       zerolog.Logger
	registry  *prometheus.Registry
	now       func() time.Time
	clock     *clock.Clock
	store     *segstore.Store
	view      *fetch.View
	fetch     *fetch.Fetcher
	member    *member.Member
	group     *multicast.Receiver // nil without one
	manifests *manifest.Cache
	ours      *ours
	bound     []string // base URLs of its listeners
	limiter   *budget.Limiter
	keyWait   keywait.Room // for keys of tokens
	asks      clientBudgets
	budgets   *budget.Watch
	counts    counts
	origins   *upstream.Upstreams
	ways      *ways
	loopID    string
	board     interim.Board  // what nodes ask about bodies that stand still
	given     stepback.Guard // of live manifests that are not kept
	ranged    *ranged.Reader
	protected protected.Known
	identity  *identity.Bundle // nil: nodes show the secret
	held      *budget.Held     // what the kernel holds for clients
	nodes     *front.Others    // those who call at the viewers' listener; nil: none does
	client    *call.Client
	beside    func() []wire.Trouble // Deps.Troubles
	before    former.Counts
	grants    *sealedhead.Grants // nil: media goes by TLS alone, or nodes have no names
}

// New opens the store; it starts nothing. Close it when Run was never called.
func New(cfg Config, deps Deps) (*Edge, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Registry == nil {
		deps.Registry = prometheus.NewRegistry()
	}
	e := &Edge{cfg: cfg, loopID: cfg.loopID(), log: deps.Logger, registry: deps.Registry, now: deps.Now, beside: deps.Troubles, view: fetch.NewView(cfg.Name, deps.Now), before: former.Counts{Life: deps.Now().UnixMilli()}}
	var err error
	if cfg.Identity != "" {
		if e.identity, err = identity.OpenAs(cfg.Identity, identity.Edge, cfg.Name, deps.Now); err != nil {
			return nil, fmt.Errorf("--identity: %w", err)
		}
		if addr, bad := net.ResolveTCPAddr("tcp", cmp.Or(cfg.NodeListen, cfg.Listen)); bad == nil && (cfg.NodeListen == "" || cfg.NodeMedia == wire.MediaPlain) {
			e.nodes = front.NewOthers(addr)
		}
		if cfg.NodeMedia == wire.MediaPlain {
			e.grants = sealedhead.NewGrants(cfg.Name, deps.Now)
		}
	}
	e.origins, err = upstream.New(upstream.Config{HeadTimeout: cfg.OriginTimeout}, upstream.Deps{Logger: deps.Logger, Now: deps.Now, Nodes: e.Nodes().origins(), Listeners: func() []string { return listeners(e) }}, cfg.upstreams)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.upstreamsFrom(), err)
	}
	e.ways = &ways{log: deps.Logger, origins: e.origins, own: cfg.upstreams}
	e.store, err = segstore.Open(cfg.Data, segstore.Options{MaxBytes: cfg.StoreBytes, Objects: cfg.StoreObjects, MemoryBytes: cfg.MemoryBytes, Now: deps.Now, Logger: deps.Logger, Fault: cfg.storeFault})
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	if err := e.furnish(deps); err != nil {
		return nil, errors.Join(err, e.store.Close())
	}
	e.asks = newClientBudgets(cfg.MaxMisses, deps.Now)
	e.held = budget.NewHeld(kernel.HeldMost(cfg.MaxHeld), budget.Spares)
	e.limiter = budget.NewLimiter(cfg.MaxConnections, cfg.MaxPerClient, e.cfg.Proxies.ClientOf(wire.ClientOf))
	e.budgets = budget.NewWatch(cfg.Name, budget.Refused{Connections: e.limiter, Misses: e.counts.overMisses.Load, Relieved: e.counts.relieved.Load}, func(what string) {
		e.log.Warn().Str("what", what).Msg("a budget is used up")
	})
	e.register()
	return e, nil
}

// furnish makes the rooms that stand on the store.
func (e *Edge) furnish(deps Deps) error {
	client := call.NewClient(e.cfg.Name, e.cfg.Secret, e.identity)
	e.clock = clock.New(deps.Now, e.log)
	client.Expect(call.Whose(e.view.Placement, e.cfg.Balancers...))
	e.client = client
	e.ours = &ours{log: deps.Logger, origins: e.origins, alias: e.cfg.OriginHosts, public: e.cfg.PublicHosts}
	e.manifests = manifest.New(e.cfg.manifests(), manifest.Deps{Logger: deps.Logger, Store: e.store, Origin: e.ours.of})
	e.fetch = fetch.New(e.cfg.fetch(e.loopID), fetch.Deps{
		Logger: deps.Logger, Now: deps.Now, Clock: e.clock, Store: e.store, View: e.view, Call: client, Origins: e.origins, Manifests: e.manifests,
	})
	e.given = stepback.Guard{Redirects: &e.manifests.Redirects, Now: deps.Now}
	e.fetch.Heard = e.given.Heard
	e.ranged = &ranged.Reader{Fetch: e.fetch, Manifests: e.manifests, Now: deps.Now}
	e.member = member.New(e.cfg.member(), member.Deps{
		Logger: deps.Logger, Now: deps.Now, Clock: e.clock, Store: e.store, View: e.view, Call: client, Fetch: e.fetch, Manifests: e.manifests, Traffic: e.traffic, Heard: func(a wire.ReportAnswer) { e.asks.heard(a.Asked); e.before.Heard(a.Before) },
		Applied: e.Nodes().applied,
	})
	e.Bind("http://"+e.cfg.Listen, "http://"+e.cfg.AdminListen)
	if e.cfg.Duplication != fetch.DuplicateMulticast || !e.clustered() {
		return nil
	}
	var err error
	e.group, err = multicast.New(e.cfg.multicast(&e.member.Keys), multicast.Deps{
		Logger: deps.Logger, Now: deps.Now, Clock: e.clock, Store: e.store, View: e.view, Fetch: e.fetch, Name: e.cfg.Name,
	})
	if err == nil {
		e.fetch.Join(e.group)
	}
	return err
}

// traffic is what reports say of this edge's requests.
func (e *Edge) traffic() wire.Report {
	c := &e.fetch.Counts
	return wire.Report{
		Traffic: wire.Traffic{SentBytes: e.counts.sentBytes.Load(), Hits: c.Hits.Load(), Misses: c.Misses.Load(), OriginAsked: c.OriginAsked.Load()}, Life: e.before.Life, Before: e.before.Told(), Waiting: int(c.Waiting.Load()), OriginsOut: e.origins.Out(),
		Build: obs.BuildName(), Troubles: troubles(e), Asked: e.asks.told(),
	}
}

// Leave lets the neighbours take over what this edge has, before its process
// ends. It serves whoever still comes.
func (e *Edge) Leave(ctx context.Context) {
	if e.clustered() {
		e.member.Leave(ctx)
	}
}

// Bind tells the base URLs at which the listeners really are; --advertise has
// the last word.
func (e *Edge) Bind(address, admin string) {
	e.bound = []string{address, admin}
	e.member.Bind(e.cfg.told(address, admin))
}

// clustered tells whether there are balancers to follow.
func (e *Edge) clustered() bool { return len(e.cfg.Balancers) > 0 }

// Run runs the loops until ctx ends, then closes the store.
func (e *Edge) Run(ctx context.Context) error {
	defer func() {
		if err := e.store.Close(); err != nil {
			e.log.Error().Err(err).Msg("store did not close cleanly; it recovers at the next start")
		}
	}()
	parts := []run.Part{{Name: "store", Run: wait}, {Name: "origins", Run: e.origins.Run}}
	if e.clustered() {
		parts = append(parts, run.Part{Name: "member", Run: e.member.Run}, run.Part{Name: "fetch", Run: e.fetch.Run})
	}
	if e.identity != nil {
		parts = append(parts, run.Part{Name: "identity", Run: e.Nodes().run})
	}
	if e.group != nil {
		parts = append(parts, run.Part{Name: "multicast", Run: e.group.Run})
	}
	return run.Group(ctx, parts...)
}

func wait(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Check walks the truths of the store.
func (e *Edge) Check() error { return e.store.Check() }
