package control

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/ring"
	"tandem/internal/run"
	"tandem/internal/wire"
	"tandem/lb/edges"
	"tandem/lb/loads"
	"tandem/lb/proposals"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

// Config is what of a balancer's settings this room acts by.
type Config struct {
	Name        string
	Join        string          // base URL of a balancer of the cluster to join, "": none
	First       []wire.Balancer // the first balancers of a new cluster, this one included
	Admission   string          // what the first leader of a new cluster sets
	DeadAfter   time.Duration   // until a member that is down is removed, 0: never
	SilentFor   time.Duration   // without a report, until an edge is pinged
	PingTimeout time.Duration

	UnplaceAfter time.Duration // without a session, until a stream leaves the placement, 0: never
	KeyLife      time.Duration // until the next key is made
	TokenLife    time.Duration // how long what a key seals is good
}

// Deps is what it stands on. All are needed.
type Deps struct {
	Node     *raftfsm.Node
	Call     *call.Client
	Secret   wire.Secret
	Identity *identity.Bundle // nil: nodes show the secret
	Self     wire.Balancer    // as the others know it

	Elsewhere wire.Balancer // where it listens, if that is not what Self says; nothing in it: it is
	Logger    zerolog.Logger
	Now       func() time.Time
	Event     func(wire.Event)                   // of this balancer alone
	Proposed  func(kind placement.Kind, ok bool) // counts
	Foreign   func()                             // counts calls of internal endpoints by strangers
	Down      func(edge string)                  // an edge was marked down
	Build     string                             // what runs here
	Troubles  func() []wire.Trouble              // of this balancer, in words
	Anew      func(era uint64, at string) error  // starts the process anew, with what is on its disk of before an era put aside, to be let in by the balancer at a base URL; nil: it can't be
	Renewed   func()                             // this balancer's certificate is a new one
	TakenOut  func()                             // this balancer is one of the cluster's no more
	Leaving   <-chan struct{}                    // closed when whoever is kept waiting has to go
	Protects  func() ([]wire.Protected, bool)    // what viewers have to be let into; false: this balancer can't say
}

// Control keeps the placement true.
type Control struct {
	*edges.Asking
	Loads     *loads.Loads
	Proposals *proposals.Proposals
	Checks    *HealthChecks
	Tokens    *Tokens
	Authority *Authority
	Misfits   *Misfits

	cfg        Config
	deps       Deps
	node       *raftfsm.Node
	successors *successors
	peers      *peers
	polls      placementText
	deltas     deltaTexts

	elsewhere atomic.Bool // the others are told Elsewhere
	turned    time.Time   // owned by liveness: when that was changed last
	ducked    sync.Once   // Deps.TakenOut was called

	overlaying sync.Mutex
	overlay    atomic.Pointer[overlay] // nil: the placement is routed by as it is; stored under overlaying

	follower follower
}

// New starts nothing; Run has to be called.
func New(cfg Config, deps Deps) *Control {
	c := &Control{cfg: cfg, deps: deps, node: deps.Node, Loads: loads.New(), successors: newSuccessors(), Misfits: newMisfits(deps.Now, deps.Logger), peers: newPeers(), follower: follower{node: deps.Node, call: deps.Call, begun: make(chan struct{})}}
	c.Asking, c.Authority = edges.New(deps.Call, c.Loads, deps.Now), &Authority{c: c}
	c.Tokens = &Tokens{Ring: new(wire.KeyRing), node: deps.Node, now: deps.Now, life: cfg.TokenLife}
	c.Proposals = proposals.New(deps.Node, deps.Call, deps.Now, deps.Proposed)
	c.Checks = &HealthChecks{
		node: deps.Node, proposals: c.Proposals, loads: c.Loads, asking: c.Asking, call: deps.Call, name: cfg.Name, log: deps.Logger, now: deps.Now,
		ping: cfg.PingTimeout, silent: cfg.SilentFor, event: deps.Event, asked: make(chan suspicion, placement.MaxEdges),
		checked: map[string]*checkState{}, seen: map[ring.Life]time.Time{},
	}
	return c
}

// Run runs the loops until ctx ends.
func (c *Control) Run(ctx context.Context) error {
	return run.Group(
		ctx,
		run.Part{Name: "health checks", Run: c.Checks.run},
		run.Part{Name: "watch", Run: c.watch},
		run.Part{Name: "stand-ins", Run: c.standIns},
		run.Part{Name: "liveness", Run: c.liveness},
		run.Part{Name: "tasks", Run: c.runTasks},
		run.Part{Name: "follow", Run: c.follower.run},
		run.Part{Name: "founding", Run: (&founding{c: c}).run},
		run.Part{Name: "identity", Run: c.Authority.run},
	)
}

// watch follows the placement: new keys are taken, what is gone is forgotten, and nobody waits on
// connections to an edge that was marked down.
func (c *Control) watch(ctx context.Context) error {
	down := map[string]bool{}
	for {
		changed := c.node.Watch()
		p := c.node.Placement()
		c.Tokens.Ring.Take(c.node.Keys())
		c.Authority.follow(p.Trust)
		for _, e := range p.Edges {
			if dead := e.State == wire.EdgeDown; dead != down[e.Name] {
				down[e.Name] = dead
				if dead && !e.Stopped { // one that stops in order finishes what it has
					c.deps.Down(e.Name)
				}
			}
		}
		c.Loads.Keep(p)
		c.Loads.Follow(p, c.deps.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// HasRoom tells whether an edge may be asked for what is not its own share.
func (c *Control) HasRoom(edge string) bool {
	e, ok := c.Placement().Edge(edge)
	return ok && c.Loads.Delivering(e) < e.Capacity
}

// RefuseCommand says why a change of the placement was not made.
func RefuseCommand(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, placement.ErrUnknown):
		call.RefuseNode(w, http.StatusNotFound, "unknown", err.Error())
	case errors.Is(err, placement.ErrMalformed):
		call.RefuseNode(w, http.StatusBadRequest, "malformed", err.Error())
	case errors.Is(err, placement.ErrRefused), errors.Is(err, placement.ErrLimit):
		call.RefuseNode(w, http.StatusConflict, "refused", err.Error())
	case errors.Is(err, placement.ErrWouldLose):
		call.RefuseNode(w, http.StatusConflict, "would_lose", err.Error())
	case errors.Is(err, placement.ErrStale):
		call.RefuseNode(w, http.StatusConflict, "stale", err.Error())
	default:
		w.Header().Set("Retry-After", "1")
		call.RefuseNode(w, http.StatusServiceUnavailable, wire.ReasonQuorum, strings.TrimSuffix(err.Error(), ": "+raftfsm.ErrNotLeader.Error()))
	}
}
