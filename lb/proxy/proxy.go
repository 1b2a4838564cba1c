package proxy

import (
	"context"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/names"
	"tandem/internal/sealedhead"
	"tandem/internal/wire"
	"tandem/lb/proxy/silence"
	"tandem/lb/proxy/upstream"
)

// Request is one response that has to be carried to a viewer.
type Request struct {
	Target string      // request target sent to the edge: "/s/TOKEN/a.m4s", "/a.m4s?x=1"
	Viewer string      // the viewer's address
	Pair   wire.PairID // 0: none
	Taker  *Taker      // its connection; nil: unknown
	First  upstream.Target
	Next   func(tried []string) (upstream.Target, bool) // whom to ask next; false: nobody is left

	// Anew finds a place for a session that an edge has refused: what to ask for, and
	// whom. It may take its time, and is called once. False, or nil: there is none, and
	// the refusal is the answer.
	Anew func() (Request, bool)

	// Entry answers the viewer in place of the edge where what is asked for is the
	// manifest of a stream, of this kind. nil: nobody asks whether it is.
	Entry     func(kind string) (status int, sent int64)
	EntryOnly bool // the viewer gets nothing else
}

// Takeover tells how a response went on when its edge failed.
type Takeover struct {
	Phase  string // head, body, or waiting: the edge had said that it waits for the origin
	Offset int64  // of the object's first byte that was missing
	Gap    time.Duration
	From   string
	Life   uint64 // From's incarnation when it was asked
	To     string // empty when nobody could go on
	Cause  string // one of the cause constants
	Lost   bool   // From itself failed: its connection broke, or it was silent with no excuse
	OK     bool
	Path   string // of the object, without the token and the query
}

// Deps is what carrying stands on. Every function may be nil.
type Deps struct {
	Secret   wire.Secret
	Identity *identity.Bundle    // for targets with TLS
	Tickets  *sealedhead.Tickets // for their media in clear; nil: it comes by TLS
	Name     string              // of this balancer
	Logger   zerolog.Logger
	Now      func() time.Time
	Failed   func(edge, cause string) // evidence against an edge
	Moved    func(Takeover)           // once a takeover, good or not
	Room     func(edge string) bool   // may it be asked for more than its own share?

	// Waits asks an edge whether a body that it names so, and of which so many bytes have
	// come, waits for the origin.
	Waits func(ctx context.Context, edge, named string, got int64) bool

	// Deadly is told what a request was for under which edges have died; nil: nobody is.
	Deadly func(target string)

	// Gone tells whether nobody can connect to an edge; nil: nobody knows.
	Gone func(ctx context.Context, edge string) bool
}

// Proxy moves responses from edges to viewers. It is the one place where
// bytes of a body pass through a balancer.
//
// Always true: a viewer gets the bytes of one version in order, each once, up
// to the announced end, or a broken connection; and when Serve returns no
// goroutine of it is left.
type Proxy struct {
	cfg     Config
	deps    Deps
	pool    upstream.Pools // the goroutines'
	sealed  Sealed
	limits  silence.Limits
	latency *silence.Usual
	budget  *retryBudget

	dialer *upstream.Dialer
}

// New makes a proxy. It starts nothing; Run sees to what is idle.
func New(cfg Config, deps Deps) *Proxy {
	cfg.fill()
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Failed == nil {
		deps.Failed = func(string, string) {}
	}
	if deps.Moved == nil {
		deps.Moved = func(Takeover) {}
	}
	if deps.Room == nil {
		deps.Room = func(string) bool { return true }
	}
	c := &Proxy{cfg: cfg, deps: deps, budget: newRetryBudget(deps.Now())}
	c.dialer = &upstream.Dialer{Limit: cfg.Total, MaxReceived: cfg.MaxReceived, Identity: deps.Identity, Generations: upstream.NewGenerations(), Resolved: names.NewResolver(deps.Now)}
	c.limits = silence.Limits{FirstByte: cfg.FirstByte, Silence: cfg.Silence, Most: cfg.MaxSilence, Floor: cfg.Floor}
	c.latency, c.pool = silence.NewUsual(c.limits), upstream.NewPools(cfg.IdlePerEdge, c.dialer.Generations)
	return c
}

// Run closes connections that have been idle for long, and all at the end.
func (c *Proxy) Run(ctx context.Context) error {
	tick := time.NewTicker(upstream.IdleLimit / 6)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			c.pool.Sweep(func(*upstream.Conn) bool { return true })
			return nil
		case <-tick.C:
			c.pool.Expire(c.deps.Now())
		}
	}
}

// Drop is for an edge that was declared dead: no connection to it is used again, and what
// is idle is closed, by loops when they meet it.
func (c *Proxy) Drop(edge string) {
	c.dialer.Generations.End(edge)
	c.pool.Sweep(func(u *upstream.Conn) bool { return u.Edge == edge })
	c.latency.Forget(edge)
}

// Serve asks the request's edge and gives its answer to the viewer, whatever
// happens to the edge on the way. It panics with http.ErrAbortHandler, which
// breaks the viewer's connection, when nobody can finish what was begun.
func (c *Proxy) Serve(w http.ResponseWriter, r *http.Request, e Request) (status int, sent int64) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		call.Refuse(w, http.StatusMethodNotAllowed, call.ReasonMethod, "only GET and HEAD are carried")
		return http.StatusMethodNotAllowed, 0
	}
	if !isTarget(e.Target) {
		call.Refuse(w, http.StatusBadRequest, call.ReasonPath, "the path is malformed")
		return http.StatusBadRequest, 0
	}
	c.budget.earn()
	if e.Next == nil {
		e.Next = func([]string) (upstream.Target, bool) { return upstream.Target{}, false }
	}
	k := c.response(w, r, e)
	defer k.e.Taker.leave(k)
	a := k.attempt(e.First)
	return k.finish(a, k.advance(r.Context(), a, false))
}
