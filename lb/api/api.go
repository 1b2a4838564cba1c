package api

import (
	"context"
	_ "embed"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"tandem/internal/call"
	"tandem/internal/obs"
	"tandem/internal/run"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
	"tandem/web"
)

// Prefix begins every path of the operators' API; internal/wire/api.go lists
// them with their shapes, openapi.json describes them to programs.
const Prefix = "/api/v1"

// maxOrder bounds the body of an order, in bytes.
const maxOrder = 64 << 10

//go:embed openapi.json
var openAPI []byte

// Deps is what the API stands on. All are needed.
type Deps struct {
	Node        *raftfsm.Node
	Control     *control.Control
	Events      *Events
	Receipts    *Receipts
	Audits      *Audits
	Call        *call.Client
	Registry    *prometheus.Registry
	Logger      zerolog.Logger
	Now         func() time.Time
	Name        string // of this balancer
	StateSource string
	Refused     func() int64             // viewers, by this balancer since its start
	Takeovers   func() int64             // responses finished from another edge, likewise
	DemoControl string                   // where orders to a demo's nodes go; empty: this is none
	Recover     func(order string) error // starts this process anew as the only voter, by its disk; nil: it can't be
	Reload      func() (any, error)      // reads this balancer's configuration anew; nil: it can't be
	Leaving     <-chan struct{}          // closed when whoever is kept waiting has to go
}

// API answers operators.
type API struct {
	deps     Deps
	statuses statusText
}

// New starts nothing; Run has to be called.
func New(deps Deps) *API { return &API{deps: deps} }

// Run gives the placement's events to those who watch, and tells the other balancers
// what this one counts and is asked by operators, until ctx ends.
func (a *API) Run(ctx context.Context) error {
	c := counting{deps: &a.deps}
	return run.Group(ctx, run.Part{Name: "counting", Run: c.run}, run.Part{Name: "audit", Run: a.deps.Audits.run}, run.Part{Name: "events", Run: func(ctx context.Context) error {
		events, cancel := a.deps.Node.Subscribe(1024)
		defer cancel()
		for {
			select {
			case <-ctx.Done():
				return nil
			case e, ok := <-events:
				if !ok {
					return nil
				}
				a.deps.Events.placed(e)
			}
		}
	}})
}

// Handler is the operators' side: dashboard, API, metrics, health, profiles.
func (a *API) Handler() http.Handler {
	r := chi.NewRouter()
	obs.Mount(r, a.deps.Registry, a.deps.Control.Ready)
	r.Route(Prefix, a.routes)
	r.Handle("/*", web.Handler())
	return r
}

// routes declares the routes of the API.
func (a *API) routes(r chi.Router) {
	r.Use(sameOrigin, dated(func() bool { return a.deps.Node.Fresh() || control.Stale(a.deps.Control) }), knowing(a.deps.Node.Fresh))
	r.Get("/status", func(w http.ResponseWriter, _ *http.Request) { call.Reply(w, http.StatusOK, a.status()) })
	r.Get("/edges", func(w http.ResponseWriter, _ *http.Request) { call.Reply(w, http.StatusOK, a.status().Edges) })
	r.Get("/pairs", func(w http.ResponseWriter, _ *http.Request) { call.Reply(w, http.StatusOK, a.status().Pairs) })
	r.Get("/streams", func(w http.ResponseWriter, r *http.Request) { call.Reply(w, http.StatusOK, a.streams(r.Context())) })
	r.Get("/sessions", a.handleSessions)
	r.Delete("/sessions/{session}", a.handleEndSession)
	r.Get("/receipts", func(w http.ResponseWriter, _ *http.Request) {
		call.Reply(w, http.StatusOK, newestFirst(a.deps.Node.Deaths()))
	})
	r.Get("/events", a.handleEvents)
	r.Get("/history", a.handleHistory)
	r.Get("/audit", func(w http.ResponseWriter, _ *http.Request) {
		all := a.deps.Node.Audited()
		slices.Reverse(all)
		call.Reply(w, http.StatusOK, append([]wire.Audited{}, all...))
	})
	r.Get("/upstreams", a.handleUpstreams)
	r.Get("/demo", a.handleDemo)
	r.Post("/demo/nodes/{node}/{act}", a.handleDemo)
	r.Get("/cluster/backup", a.handleBackup)
	r.Post("/cluster/recover", a.handleRecover)
	r.Post("/reload", a.handleReload)
	r.Get("/keys", func(w http.ResponseWriter, _ *http.Request) { call.Reply(w, http.StatusOK, a.keys()) })
	orders(a, r.With(ledOnly(a.deps.Node)))
	r.Get("/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(openAPI) // who has gone can't be told
	})
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		call.RefuseNode(w, http.StatusNotFound, call.ReasonUnused, "no such path; "+Prefix+"/openapi.json lists them")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		call.RefuseNode(w, http.StatusMethodNotAllowed, call.ReasonMethod, r.Method+" is not for this path; "+Prefix+"/openapi.json lists what is")
	})
}

// orders declares what changes the placement, and what tells of it before.
func orders(a *API, r chi.Router) {
	r.Get("/edges/{edge}/drain", a.handlePreview(placement.Drain))
	r.Get("/edges/{edge}/remove", a.handlePreview(placement.Remove))
	r.Get("/edges/{edge}/accept", a.handlePreview(placement.Accept))
	r.Post("/edges/{edge}/drain", a.edgeOrder(placement.Drain))
	r.Post("/edges/{edge}/resume", a.edgeOrder(placement.Resume))
	r.Post("/edges/{edge}/remove", a.edgeOrder(placement.Remove))
	r.Post("/edges/{edge}/accept", a.edgeOrder(placement.Accept))
	r.Post("/streams/unplace", a.handleUnplace)
	r.Post("/purge", a.handlePurge)
	r.Put("/upstreams", a.handleSetUpstreams)
	r.Post("/admission", a.handleAdmission)
	r.Delete("/balancers/{balancer}", a.handleForgetBalancer)
	r.Post("/balancers/{balancer}/move", a.handleMove)
	r.Post("/cluster/restore", a.handleRestore)
	r.Post("/keys/{purpose}/rotate", a.handleRotate)
	r.Delete("/keys/{purpose}/{key}", a.handleDropKey)
	r.Post("/tickets", a.handleTicket)
	r.Post("/nodes/{node}/revoke", a.handleRevoke)
	r.Post("/authority/{step}", a.handleAuthority)
}

// HeaderStale is in answers of a balancer whose placement is old, or that has none yet: others know
// better.
const HeaderStale = "Tandem-Stale"

// dated marks them.
func dated(old func() bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if old() {
				w.Header().Set(HeaderStale, "1")
			}
			next.ServeHTTP(w, r)
		})
	}
}

// sameOrigin refuses orders that a browser sends for another site's page: the
// listener needs no password, so a page must not be able to use it.
func sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		call.RefuseNode(w, http.StatusForbidden, "cross_origin", "orders are not taken from another site's page")
	}))
	return protection.Handler(next)
}

// limitOf reads ?limit=. False: it was refused.
func limitOf(w http.ResponseWriter, r *http.Request, standard, most int) (int, bool) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return standard, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		call.RefuseNode(w, http.StatusBadRequest, "limit", "limit: want a whole number from 0 to "+strconv.Itoa(most))
		return 0, false
	}
	return n, true
}

func (a *API) handleHistory(w http.ResponseWriter, r *http.Request) {
	if limit, ok := limitOf(w, r, 200, 4*keepEvents); ok {
		call.Reply(w, http.StatusOK, a.deps.Events.history(a.deps.Node.History(), limit))
	}
}
