package lb

import (
	_ "embed"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"tandem/internal/call"
	"tandem/internal/obs"
	"tandem/internal/wire"
	"tandem/raftfsm"
	"tandem/web"
)

// apiPrefix begins every path of the operators' API; internal/wire/api.go lists
// them with their shapes, openapi.json describes them to programs.
const apiPrefix = "/api/v1"

// maxOrder bounds the body of an order, in bytes.
const maxOrder = 64 << 10

//go:embed openapi.json
var openAPI []byte

// Admin is the operators' side: dashboard, API, metrics, health, profiles.
func (l *LB) Admin() http.Handler {
	r := chi.NewRouter()
	obs.Mount(r, l.registry, l.ready)
	r.Route(apiPrefix, l.api)
	r.Handle("/*", web.Handler())
	return r
}

// api declares the routes of the API.
func (l *LB) api(r chi.Router) {
	r.Use(sameOrigin)
	r.Get("/status", func(w http.ResponseWriter, _ *http.Request) { call.Reply(w, http.StatusOK, l.status()) })
	r.Get("/edges", func(w http.ResponseWriter, _ *http.Request) { call.Reply(w, http.StatusOK, l.status().Edges) })
	r.Get("/pairs", func(w http.ResponseWriter, _ *http.Request) { call.Reply(w, http.StatusOK, l.status().Pairs) })
	r.Get("/streams", func(w http.ResponseWriter, r *http.Request) { call.Reply(w, http.StatusOK, l.streams(r.Context())) })
	r.Get("/sessions", l.handleSessions)
	r.Delete("/sessions/{session}", l.handleEndSession)
	r.Get("/receipts", func(w http.ResponseWriter, _ *http.Request) {
		call.Reply(w, http.StatusOK, l.receipts.list(l.node.Deaths()))
	})
	r.Get("/events", l.handleEvents)
	r.Get("/history", l.handleHistory)
	r.Get("/edges/{edge}/drain", l.handlePreview)
	r.Post("/edges/{edge}/drain", l.edgeOrder(raftfsm.Drain))
	r.Post("/edges/{edge}/resume", l.edgeOrder(raftfsm.Resume))
	r.Post("/edges/{edge}/remove", l.edgeOrder(raftfsm.Remove))
	r.Post("/purge", l.handlePurge)
	r.Post("/admission", l.handleAdmission)
	r.Delete("/balancers/{balancer}", l.handleForgetBalancer)
	r.Get("/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(openAPI) // who has gone can't be told
	})
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		call.RefuseNode(w, http.StatusNotFound, call.ReasonUnused, "no such path; "+apiPrefix+"/openapi.json lists them")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		call.RefuseNode(w, http.StatusMethodNotAllowed, call.ReasonMethod, r.Method+" is not for this path; "+apiPrefix+"/openapi.json lists what is")
	})
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

// refuseOrder says why a change of the placement was not made.
func (l *LB) refuseOrder(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, raftfsm.ErrUnknown):
		call.RefuseNode(w, http.StatusNotFound, "unknown", err.Error())
	case errors.Is(err, raftfsm.ErrMalformed):
		call.RefuseNode(w, http.StatusBadRequest, "malformed", err.Error())
	case errors.Is(err, raftfsm.ErrRefused), errors.Is(err, raftfsm.ErrLimit):
		call.RefuseNode(w, http.StatusConflict, "refused", err.Error())
	case errors.Is(err, raftfsm.ErrStale):
		call.RefuseNode(w, http.StatusConflict, "stale", err.Error())
	default:
		w.Header().Set("Retry-After", "1")
		call.RefuseNode(w, http.StatusServiceUnavailable, wire.ReasonQuorum, err.Error())
	}
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

func (l *LB) handleHistory(w http.ResponseWriter, r *http.Request) {
	if limit, ok := limitOf(w, r, 200, 4*keepEvents); ok {
		call.Reply(w, http.StatusOK, l.hub.history(l.node.History(), limit))
	}
}
