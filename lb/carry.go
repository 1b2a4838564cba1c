package lb

import (
	"context"
	"errors"
	"hash"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// target is an edge and the address of its data listener, "host:port".
type target struct{ Edge, Addr string }

// errand is one response that has to be carried to a viewer.
type errand struct {
	Target string      // request target sent to the edge: "/s/TOKEN/a.m4s", "/a.m4s?x=1"
	Viewer string      // the viewer's address
	Pair   wire.PairID // 0: none
	First  target
	Next   func(tried []string) (target, bool) // whom to ask next; false: nobody is left
}

// takeover tells how a response went on when its edge failed.
type takeover struct {
	Phase  string // head, body, or waiting: the edge had said that it waits for the origin
	Offset int64  // of the object's first byte that was missing
	Gap    time.Duration
	From   string
	To     string // empty when nobody could go on
	Cause  string // one of the cause constants
	OK     bool
	Path   string // of the object, without the token and the query
}

// carryDeps is what carrying stands on. Every function may be nil.
type carryDeps struct {
	Secret wire.Secret
	Name   string // of this balancer
	Logger zerolog.Logger
	Now    func() time.Time
	Failed func(edge, cause string) // evidence against an edge
	Moved  func(takeover)           // once a takeover, good or not
	Room   func(edge string) bool   // may it be asked for more than its own share?
}

// carrier moves responses from edges to viewers. It is the one place where
// bytes of a body pass through a balancer.
//
// Always true: a viewer gets the bytes of one version in order, each once, up
// to the announced end, or a broken connection; and when carry returns no
// goroutine of it is left.
type carrier struct {
	cfg    carryConfig
	deps   carryDeps
	pool   *upstreamPool
	habits *habits
	budget *retryBudget

	resolved *resolved
}

func newCarrier(cfg carryConfig, deps carryDeps) *carrier {
	cfg.fill()
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Failed == nil {
		deps.Failed = func(string, string) {}
	}
	if deps.Moved == nil {
		deps.Moved = func(takeover) {}
	}
	if deps.Room == nil {
		deps.Room = func(string) bool { return true }
	}
	c := &carrier{cfg: cfg, deps: deps, pool: newUpstreamPool(cfg.IdlePerEdge), budget: newRetryBudget(deps.Now()), resolved: newResolved(deps.Now)}
	c.habits = newHabits(&c.cfg)
	return c
}

// Run closes connections that have been idle for long, and all at the end.
func (c *carrier) Run(ctx context.Context) error {
	tick := time.NewTicker(idleLimit / 6)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			c.pool.sweep(func(*upstream) bool { return true })
			return nil
		case <-tick.C:
			c.pool.expire(c.deps.Now())
		}
	}
}

// drop closes the idle connections to an edge that was declared dead.
func (c *carrier) drop(edge string) {
	c.pool.drop(edge)
	c.habits.forget(edge)
}

// carriage is one response on its way. It is owned by the goroutine that
// serves the viewer; attempts that run beside it only read it.
type carriage struct {
	c   *carrier
	w   http.ResponseWriter
	r   *http.Request
	e   errand
	out spliceTo // nil where bytes have to be copied

	tried   []string
	asked   int    // attempts
	charged bool   // the free takeover was used
	timing  string // Server-Timing of a takeover before the head

	// What the viewer was promised, from the moment begun is true.
	begun  bool
	status int
	etag   string    // strong; "" when the rest can't be asked for by range
	first  int64     // of the object, the first byte that the viewer gets
	last   int64     // inclusive, -1: not known yet
	total  int64     // of the object, -1: not known yet
	sent   int64     // bytes of the body
	spoken string    // Content-Range as given
	length int64     // Content-Length as given, -1: none
	proof  hash.Hash // of what was sent, where etag is ""
}

// carry asks the errand's edge and gives its answer to the viewer, whatever
// happens to the edge on the way. It panics with http.ErrAbortHandler, which
// breaks the viewer's connection, when nobody can finish what was begun.
func (c *carrier) carry(w http.ResponseWriter, r *http.Request, e errand) (status int, sent int64) {
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
		e.Next = func([]string) (target, bool) { return target{}, false }
	}
	k := c.carriage(w, r, e)
	a := k.attempt(e.First)
	return k.finish(a, k.advance(r.Context(), a, false))
}

func (c *carrier) carriage(w http.ResponseWriter, r *http.Request, e errand) *carriage {
	return &carriage{c: c, w: w, r: r, e: e, out: spliceTarget(w, r), last: -1, total: -1, length: -1}
}

// finish carries the response to its end, from where the first attempt stands or
// has failed.
func (k *carriage) finish(a *attempt, err error) (status int, sent int64) {
	for {
		if err != nil {
			if a, err = k.replace(a, err); err != nil {
				return k.giveUp(err)
			}
		}
		if !k.begun {
			k.begin(a)
		}
		if err = k.move(a); err == nil {
			k.done(a)
			return k.status, k.sent
		}
	}
}

// done keeps the connection if nothing of the answer is left in it.
func (k *carriage) done(a *attempt) {
	if a.longest > 0 {
		k.c.habits.learn(a.to.Edge, a.patience(), a.longest)
	}
	if a.body.ended && !a.head.close && a.conn != nil {
		k.c.pool.put(a.conn, k.c.deps.Now())
		return
	}
	a.end()
}

// giveUp is for when nobody can go on.
func (k *carriage) giveUp(err error) (int, int64) {
	switch {
	case errors.Is(err, errViewer):
		return k.status, k.sent // nobody is there to be told
	case k.begun:
		panic(http.ErrAbortHandler) // visibly broken (LB.view makes it a reset), never silently short
	default:
		status := http.StatusServiceUnavailable
		if errors.Is(err, errStatus) {
			status = http.StatusBadGateway
		}
		call.Refuse(k.w, status, wire.ReasonNoEdge, "no edge could answer")
		return status, 0
	}
}

// offset is the object's first byte that the viewer lacks.
func (k *carriage) offset() int64 { return k.first + k.sent }

// left is how many bytes the viewer lacks, -1: not known yet.
func (k *carriage) left() int64 {
	if k.last < 0 && k.length != 0 {
		return -1
	}
	return k.last + 1 - k.offset()
}

// proves tells whether the rest can only be asked for by giving the whole again.
func (k *carriage) proves() bool { return k.proof != nil }
