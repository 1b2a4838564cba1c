package lb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"tandem/internal/wire"
	"tandem/raftfsm"
)

// Limits of what nodes ask.
const (
	pollLimit    = 25 * time.Second
	maxNodeBody  = 4 << 20          // bytes
	bodyLimit    = 10 * time.Second // for a body to arrive
	registerWait = 5 * time.Second
	readyWait    = 3 * time.Second
)

// nodeHandler declares the endpoints for nodes of the cluster.
func (l *LB) nodeHandler() http.Handler {
	r := chi.NewRouter()
	r.Use(l.onlyNodes)
	r.Get(wire.PathPing, func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, wire.Pong{Name: l.cfg.Name, Role: "lb"})
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
			refuseNode(w, http.StatusForbidden, "closed", "closed to viewers")
			return
		}
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(l.now().Add(bodyLimit))
		}
		next.ServeHTTP(w, r)
	})
}

// refuseNode is refuse without what browsers need.
func refuseNode(w http.ResponseWriter, status int, reason, text string) {
	reply(w, status, problem{text, reason})
}

// readBody reads a body of at most so many bytes. False: it was refused.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		refuseNode(w, http.StatusRequestEntityTooLarge, reasonBody, "the body is larger than "+strconv.FormatInt(most, 10)+" bytes")
	case err != nil:
		refuseNode(w, http.StatusBadRequest, reasonBody, "the body did not arrive whole")
	default:
		return body, true
	}
	return nil, false
}

// readNode reads what another node says. Fields that this build does not know
// are let pass: nodes are upgraded one after the other.
func readNode(w http.ResponseWriter, r *http.Request, into any) bool {
	body, ok := readBody(w, r, maxNodeBody)
	return ok && decode(w, json.NewDecoder(bytes.NewReader(body)), into)
}

// readJSON reads an operator's order: exactly one JSON value without unknown
// fields. False: it was refused with a line that names the fault.
func readJSON(w http.ResponseWriter, r *http.Request, most int64, into any) bool {
	body, ok := readBody(w, r, most)
	if !ok {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return decode(w, d, into)
}

func decode(w http.ResponseWriter, d *json.Decoder, into any) bool {
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("more than one value")
	}
	if err != nil {
		refuseNode(w, http.StatusBadRequest, reasonBody, "malformed body: "+strings.TrimPrefix(err.Error(), "json: "))
		return false
	}
	return true
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
				refuseNode(w, http.StatusInternalServerError, "encoding", err.Error())
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
	if !readNode(w, r, &reg) {
		return
	}
	if err := baseURL("edge", reg.Edge.HTTP); err != nil {
		refuseNode(w, http.StatusBadRequest, reasonBody, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), registerWait)
	defer cancel()
	_, err := l.proposals.propose(ctx, raftfsm.Command{Kind: raftfsm.EdgeUp, Edge: &reg.Edge, After: reg.After, Loads: l.loads.tables(l.node.Placement(), l.now())})
	if err != nil && !errors.Is(err, raftfsm.ErrStale) {
		l.refuseOrder(w, err)
		return
	}
	reply(w, http.StatusOK, wire.RegisterAnswer{Placement: l.node.Placement()})
}

func (l *LB) handleReport(w http.ResponseWriter, r *http.Request) {
	var report wire.Report
	if !readNode(w, r, &report) {
		return
	}
	p := l.node.Placement()
	if _, ok := p.Edge(report.Edge); ok {
		l.loads.take(report, l.now())
	}
	reply(w, http.StatusOK, wire.ReportAnswer{Version: p.Version})
}

func (l *LB) handleSuspect(w http.ResponseWriter, r *http.Request) {
	var s wire.Suspicion
	if !readNode(w, r, &s) {
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
	if !readNode(w, r, &ready) {
		return
	}
	e, ok := l.node.Placement().Edge(ready.Edge)
	if !ok || e.Incarnation != ready.Incarnation {
		refuseNode(w, http.StatusConflict, wire.ReasonStale, "the placement shows no such life of this edge")
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
	if !readNode(w, r, &b) {
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
