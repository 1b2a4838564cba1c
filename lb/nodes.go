package lb

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/raftfsm"
)

// Limits of what nodes ask.
const (
	pollLimit    = 25 * time.Second
	bodyLimit    = 10 * time.Second // for a body to arrive
	registerWait = 5 * time.Second
	readyWait    = 3 * time.Second
)

// nodeHandler declares the endpoints for nodes of the cluster.
func (l *LB) nodeHandler() http.Handler {
	r := chi.NewRouter()
	r.Use(l.onlyNodes)
	r.Get(wire.PathPing, func(w http.ResponseWriter, _ *http.Request) {
		call.Reply(w, http.StatusOK, wire.Pong{Name: l.cfg.Name, Role: "lb"})
	})
	r.Get(wire.PathPlacement, l.handlePlacement)
	r.Post(wire.PathRegister, l.handleRegister)
	r.Post(wire.PathReport, l.handleReport)
	r.Post(wire.PathSuspect, l.handleSuspect)
	r.Post(wire.PathReady, l.handleReady)
	r.Post(wire.PathPropose, l.handlePropose)
	r.Post(wire.PathJoin, l.handleJoin)
	return r
}

// onlyNodes closes the endpoints to everybody without the cluster's secret, whose
// body is not even read.
func (l *LB) onlyNodes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.cfg.Secret.Authorised(r) {
			w.Header().Set("Connection", "close")
			_ = http.NewResponseController(w).SetReadDeadline(l.now().Add(time.Second))
			l.counts.foreign.Inc()
			call.RefuseNode(w, http.StatusForbidden, "closed", "closed to viewers")
			return
		}
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(l.now().Add(bodyLimit))
		}
		next.ServeHTTP(w, r)
	})
}

// placementText is the present placement as JSON, made once for all who poll.
type placementText struct {
	mu      sync.Mutex
	version uint64 // guarded by mu
	text    []byte // guarded by mu
}

func (t *placementText) of(p *wire.Placement) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text == nil || t.version != p.Version {
		text, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		t.version, t.text = p.Version, text
	}
	return t.text, nil
}

// handlePlacement waits for a placement newer than the one asked with.
func (l *LB) handlePlacement(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
	newest := err != nil // without a version: the present one at once
	limit := time.NewTimer(pollLimit)
	defer limit.Stop()
	for {
		changed := l.node.Watch()
		p := l.node.Placement()
		if newest || p.Version > after {
			text, err := l.polls.of(p)
			if err != nil {
				call.RefuseNode(w, http.StatusInternalServerError, "encoding", err.Error())
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", strconv.Itoa(len(text)))
			_, _ = w.Write(text) // who has gone polls again
			return
		}
		select {
		case <-changed:
			continue
		case <-r.Context().Done():
			return
		case <-limit.C:
		case <-l.leaving:
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
}

// handleRegister takes an edge into the placement, or notes that it is back.
func (l *LB) handleRegister(w http.ResponseWriter, r *http.Request) {
	var reg wire.Register
	if !call.Read(w, r, &reg) {
		return
	}
	if err := baseURL("edge", reg.Edge.HTTP); err != nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), registerWait)
	defer cancel()
	_, err := l.proposals.propose(ctx, raftfsm.Command{Kind: raftfsm.EdgeUp, Edge: &reg.Edge, After: reg.After, Loads: l.loads.tables(l.node.Placement(), l.now())})
	if err != nil && !errors.Is(err, raftfsm.ErrStale) {
		l.refuseOrder(w, err)
		return
	}
	call.Reply(w, http.StatusOK, wire.RegisterAnswer{Placement: l.node.Placement()})
}

func (l *LB) handleReport(w http.ResponseWriter, r *http.Request) {
	var report wire.Report
	if !call.Read(w, r, &report) {
		return
	}
	p := l.node.Placement()
	if _, ok := p.Edge(report.Edge); ok {
		l.loads.take(report, l.now())
	}
	call.Reply(w, http.StatusOK, wire.ReportAnswer{Version: p.Version})
}

func (l *LB) handleSuspect(w http.ResponseWriter, r *http.Request) {
	var s wire.Suspicion
	if !call.Read(w, r, &s) {
		return
	}
	noticed := l.now()
	if s.SilentMS > 0 && s.SilentMS < time.Minute.Milliseconds() && s.Cause == "" {
		s.Cause = "silent"
	}
	l.suspects.suspect(suspicion{edge: s.Edge, incarnation: s.Incarnation, by: s.By, cause: s.Cause, noticed: noticed})
	w.WriteHeader(http.StatusNoContent)
}

// handleReady makes a returning or joining edge deliver. Edges tell every
// balancer; the leader acts, and the others only if it has not.
func (l *LB) handleReady(w http.ResponseWriter, r *http.Request) {
	var ready wire.Ready
	if !call.Read(w, r, &ready) {
		return
	}
	e, ok := l.node.Placement().Edge(ready.Edge)
	if !ok || e.Incarnation != ready.Incarnation {
		call.RefuseNode(w, http.StatusConflict, wire.ReasonStale, "the placement shows no such life of this edge")
		return
	}
	l.heirs.ready(ready)
	if !l.node.IsLeader() {
		select {
		case <-time.After(courtesy):
		case <-r.Context().Done():
			return
		}
		if e, ok = l.node.Placement().Edge(ready.Edge); !ok {
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	if e.State != wire.EdgeRecovering && e.State != wire.EdgeJoining {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyWait)
	defer cancel()
	c := raftfsm.Command{
		Kind: raftfsm.EdgeReady, Name: ready.Edge, Incarnation: ready.Incarnation, Version: ready.Version,
		Loads: l.loads.tables(l.node.Placement(), l.now()),
	}
	if report, _, ok := l.loads.last(e); ok && report.Recovery != nil {
		c.CopiedBytes = report.Recovery.Bytes
	}
	if _, err := l.proposals.propose(ctx, c); err != nil {
		l.refuseOrder(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// handleJoin takes a further balancer in. Only the leader can.
func (l *LB) handleJoin(w http.ResponseWriter, r *http.Request) {
	var b wire.Balancer
	if !call.Read(w, r, &b) {
		return
	}
	if !l.node.IsLeader() {
		l.misdirected(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), orderLimit)
	defer cancel()
	err := l.node.Join(ctx, b)
	if err == nil {
		_, err = l.proposals.propose(ctx, raftfsm.Command{Kind: raftfsm.Balancer, Balancer: &b})
	}
	switch {
	case errors.Is(err, raftfsm.ErrNotLeader):
		l.misdirected(w)
	case err != nil:
		l.refuseOrder(w, err)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}
