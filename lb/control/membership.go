package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/raftfsm"
)

// joinCluster asks to become one more balancer of a running cluster, following
// those who say who leads.
func (t *tasks) joinCluster(ctx context.Context) bool {
	at := t.c.cfg.Join
	for range 3 {
		attempt, cancel := context.WithTimeout(ctx, orderLimit)
		err := t.c.deps.Call.Ask(attempt, http.MethodPost, at+wire.PathJoin, t.c.deps.Self, nil)
		cancel()
		if err == nil {
			t.c.deps.Logger.Info().Str("at", at).Msg("joined the cluster")
			return true
		}
		leader, ok := leaderOf(err)
		if !ok || leader.HTTP == at {
			if ctx.Err() == nil {
				t.c.deps.Logger.Warn().Err(err).Str("at", at).Msg("the cluster can't be joined yet; trying again")
			}
			return false
		}
		at = leader.HTTP
	}
	return false
}

// makeKnown proposes this balancer's addresses when the placement does not show
// them. The first leader of a new cluster sets the admission first.
func (t *tasks) makeKnown(ctx context.Context) {
	p := t.c.node.Placement()
	for _, b := range p.Balancers {
		if b == t.c.deps.Self {
			return
		}
	}
	if _, ok := t.c.node.Leader(); !ok || t.c.deps.Now().Sub(t.told) < tellApart && !t.told.IsZero() {
		return
	}
	t.told = t.c.deps.Now()
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	if t.c.node.IsLeader() && p.Streams.Len() == 0 && !t.c.Knows(t.c.cfg.Name) && p.Admission != t.c.cfg.Admission {
		if _, err := t.c.Proposals.Propose(ctx, raftfsm.Command{Kind: raftfsm.Configure, Admission: t.c.cfg.Admission}); err != nil {
			t.c.deps.Logger.Warn().Err(err).Msg("the admission could not be set; trying again")
			return
		}
	}
	if _, err := t.c.Proposals.Propose(ctx, raftfsm.Command{Kind: raftfsm.Balancer, Balancer: &t.c.deps.Self}); err != nil && ctx.Err() == nil {
		t.c.deps.Logger.Warn().Err(err).Msg("this balancer could not be made known; trying again")
	}
}

// Knows tells whether the placement shows a balancer of that name.
func (c *Control) Knows(name string) bool {
	for _, b := range c.node.Placement().Balancers {
		if b.Name == name {
			return true
		}
	}
	return false
}

// handleRegister takes an edge into the placement, or notes that it is back.
func (c *Control) handleRegister(w http.ResponseWriter, r *http.Request) {
	var reg wire.Register
	if !call.Read(w, r, &reg) {
		return
	}
	if err := call.CheckBaseURL("edge", reg.Edge.HTTP); err != nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), registerWait)
	defer cancel()
	_, err := c.Proposals.Propose(ctx, raftfsm.Command{Kind: raftfsm.EdgeUp, Edge: &reg.Edge, After: reg.After, Loads: c.Loads.Tables(c.node.Placement(), c.deps.Now())})
	if err != nil && !errors.Is(err, raftfsm.ErrStale) {
		RefuseCommand(w, err)
		return
	}
	call.Reply(w, http.StatusOK, wire.RegisterAnswer{Placement: c.node.Placement()})
}

// handleStopping lets an edge's neighbours take over what it has, at its own wish
// and while it still serves.
func (c *Control) handleStopping(w http.ResponseWriter, r *http.Request) {
	var s wire.Stopping
	if !call.Read(w, r, &s) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyWait)
	defer cancel()
	_, err := c.Proposals.Propose(ctx, raftfsm.Command{
		Kind: raftfsm.EdgeDown, Name: s.Edge, Incarnation: s.Incarnation, Cause: wire.CauseStopping, By: s.Edge,
		Loads: c.Loads.Tables(c.node.Placement(), c.deps.Now()),
	})
	if err != nil {
		RefuseCommand(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// handleReady makes a returning or joining edge deliver. Edges tell every
// balancer; the leader acts, and the others only if it has not.
func (c *Control) handleReady(w http.ResponseWriter, r *http.Request) {
	var ready wire.Ready
	if !call.Read(w, r, &ready) {
		return
	}
	e, ok := c.node.Placement().Edge(ready.Edge)
	if !ok || e.Incarnation != ready.Incarnation {
		call.RefuseNode(w, http.StatusConflict, wire.ReasonStale, "the placement shows no such life of this edge")
		return
	}
	c.successors.ready(ready)
	if !c.node.IsLeader() {
		select {
		case <-time.After(courtesy):
		case <-r.Context().Done():
			return
		}
		if e, ok = c.node.Placement().Edge(ready.Edge); !ok {
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
	command := raftfsm.Command{
		Kind: raftfsm.EdgeReady, Name: ready.Edge, Incarnation: ready.Incarnation, Version: ready.Version,
		Loads: c.Loads.Tables(c.node.Placement(), c.deps.Now()),
	}
	if report, _, ok := c.Loads.Last(e); ok && report.Recovery != nil {
		command.CopiedBytes = report.Recovery.Bytes
	}
	if _, err := c.Proposals.Propose(ctx, command); err != nil {
		RefuseCommand(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// handleJoin takes a further balancer in. Only the leader can.
func (c *Control) handleJoin(w http.ResponseWriter, r *http.Request) {
	var b wire.Balancer
	if !call.Read(w, r, &b) {
		return
	}
	if !c.node.IsLeader() {
		c.misdirected(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), orderLimit)
	defer cancel()
	err := c.node.Join(ctx, b)
	if err == nil {
		_, err = c.Proposals.Propose(ctx, raftfsm.Command{Kind: raftfsm.Balancer, Balancer: &b})
	}
	switch {
	case errors.Is(err, raftfsm.ErrNotLeader):
		c.misdirected(w)
	case err != nil:
		RefuseCommand(w, err)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// leaderOf reads a 421.
func leaderOf(err error) (wire.Balancer, bool) {
	var s *call.StatusError
	var leader wire.Balancer
	if !errors.As(err, &s) || s.Status != http.StatusMisdirectedRequest || json.Unmarshal(s.Body, &leader) != nil {
		return leader, false
	}
	return leader, leader.HTTP != ""
}
