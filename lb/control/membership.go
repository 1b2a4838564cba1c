package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/lb/proposals"
	"tandem/raftfsm"
	"tandem/raftfsm/placement"
)

// join asks to become a balancer of a running cluster, to be let back in with an
// empty disk, or to be found at another address, following those who say who leads.
func (c *Control) join(ctx context.Context, at string, fresh bool) bool {
	for range 3 {
		attempt, cancel := context.WithTimeout(ctx, orderLimit)
		err := c.deps.Call.Ask(attempt, http.MethodPost, at+wire.PathJoin, wire.Join{Balancer: c.self(), Fresh: fresh}, nil)
		cancel()
		if err == nil {
			c.deps.Logger.Info().Str("at", at).Msg("joined the cluster")
			return true
		}
		leader, ok := proposals.LeaderOf(err)
		if ok && leader.HTTP == "" {
			err, ok = errLeaderless, false
		}
		if !ok || leader.HTTP == at {
			if ctx.Err() == nil {
				c.deps.Logger.Warn().Err(err).Str("at", at).Msg("the cluster can't be joined yet; trying again")
			}
			return false
		}
		at = leader.HTTP
	}
	return false
}

// joinCluster joins the cluster that the configuration names.
func (t *tasks) joinCluster(ctx context.Context) bool { return t.c.join(ctx, t.c.cfg.Join, false) }

// tellMoved is for a balancer that has come back with its disk at another address:
// the others look for it at the old one, and it tells them.
func (t *tasks) tellMoved(ctx context.Context) {
	stored := t.c.node.Stored()
	if stored == "" || stored == t.c.self().Raft || t.c.node.IsLeader() || t.c.deps.Now().Sub(t.moved) < tellApart {
		return
	}
	t.moved = t.c.deps.Now()
	for _, b := range append(slices.Clone(t.c.cfg.First), t.c.node.Placement().Balancers...) {
		if b.Name != t.c.cfg.Name && b.HTTP != "" && t.c.join(ctx, b.HTTP, false) {
			return
		}
	}
}

// taken says who has the name of a balancer that asks to be let in; nil: nobody who
// lives, or itself. One with an empty disk is not the one that answers with its own.
func (c *Control) taken(ctx context.Context, b wire.Join) error {
	for _, known := range c.node.Placement().Balancers {
		if known.Name != b.Name || known.HTTP == "" {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, aliveLimit)
		defer cancel()
		var pong wire.Pong
		err := c.deps.Call.Ask(ctx, http.MethodGet, known.HTTP+wire.PathPing, nil, &pong)
		if err == nil && pong.Name == b.Name && (pong.Raft != "" && pong.Raft != b.Raft || b.Fresh && !pong.Fresh) {
			return fmt.Errorf("another balancer named %s serves at %s; give this one another --name", b.Name, known.HTTP)
		}
	}
	return nil
}

// makeKnown proposes this balancer's addresses when the placement does not show
// them. The first leader of a new cluster sets the admission first.
func (t *tasks) makeKnown(ctx context.Context) {
	p, self := t.c.node.Placement(), t.c.self()
	if slices.Contains(p.Balancers, self) {
		return
	}
	if _, ok := t.c.node.Leader(); !ok || t.c.deps.Now().Sub(t.told) < tellApart && !t.told.IsZero() {
		return
	}
	t.told = t.c.deps.Now()
	ctx, cancel := context.WithTimeout(ctx, orderLimit)
	defer cancel()
	if t.c.node.IsLeader() && p.Streams.Len() == 0 && !t.c.Knows(t.c.cfg.Name) && p.Admission != t.c.cfg.Admission {
		if _, err := t.c.Proposals.Propose(ctx, placement.Command{Kind: placement.Configure, Admission: t.c.cfg.Admission}); err != nil {
			t.c.deps.Logger.Warn().Err(err).Msg("the admission could not be set; trying again")
			return
		}
	}
	if _, err := t.c.Proposals.Propose(ctx, placement.Command{Kind: placement.Balancer, Balancer: &self}); err != nil && ctx.Err() == nil {
		t.c.deps.Logger.Warn().Err(err).Msg("this balancer could not be made known; trying again")
	}
}

// Knows tells whether the placement shows a balancer of that name.
func (c *Control) Knows(name string) bool {
	return slices.ContainsFunc(c.node.Placement().Balancers, func(b wire.Balancer) bool { return b.Name == name })
}

// handleRegister takes an edge into the placement, or notes that it is back.
func (c *Control) handleRegister(w http.ResponseWriter, r *http.Request) {
	var reg wire.Register
	if !call.Read(w, r, &reg) {
		return
	}
	if err := cmp.Or(call.CheckReached("--advertise", reg.Edge.HTTP), call.CheckFrom("--advertise", reg.Edge.HTTP, r.RemoteAddr)); err != nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), registerWait)
	defer cancel()
	if err := c.edgeTaken(ctx, reg.Edge); err != nil {
		call.RefuseNode(w, http.StatusConflict, wire.ReasonNameTaken, err.Error())
		return
	}
	if p := c.node.Placement(); reg.After != "" && p.Streams.Len() > 0 && !hasEdge(p, reg.After) && !hasEdge(p, reg.Edge.Name) {
		call.RefuseNode(w, http.StatusBadRequest, "after", fmt.Sprintf("--after: no edge is called %q; tandem edges lists them", reg.After))
		return
	}
	tables, _ := c.Tables(ctx, c.node.Placement(), reg.Edge.Name)
	_, err := c.Proposals.Propose(ctx, placement.Command{Kind: placement.EdgeUp, Edge: &reg.Edge, After: reg.After, Loads: tables})
	if err != nil && !errors.Is(err, placement.ErrStale) {
		RefuseCommand(w, err)
		return
	}
	call.Reply(w, http.StatusOK, wire.RegisterAnswer{Placement: c.node.Placement()})
}

func hasEdge(p *wire.Placement, name string) bool {
	_, ok := p.Edge(name)
	return ok
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
	_, _ = c.Tables(ctx, c.node.Placement(), "") // who takes over is foretold by them
	c.ForetellState(ctx, c.node.Placement(), s.Edge, wire.EdgeDown)
	_, err := c.Proposals.Propose(ctx, placement.Command{
		Kind: placement.EdgeDown, Name: s.Edge, Incarnation: s.Incarnation, Cause: wire.CauseStopping, By: s.Edge,
		Loads: c.Loads.Tables(c.node.Placement(), c.deps.Now()),
	})
	if err != nil {
		RefuseCommand(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// edgeTaken says who has the name of an edge that registers: one that lives, at
// another address. nil: nobody.
func (c *Control) edgeTaken(ctx context.Context, e wire.Edge) error {
	known, ok := c.node.Placement().Edge(e.Name)
	if !ok || known.HTTP == e.HTTP || known.State == wire.EdgeDown || known.Incarnation == e.Incarnation {
		return nil
	}
	if c.deps.Call.Ping(ctx, c.cfg.PingTimeout, known) != nil {
		return nil // it has moved
	}
	return fmt.Errorf("another edge named %s serves at %s; give this one another --name", e.Name, known.HTTP)
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
	tables, _ := c.Tables(ctx, c.node.Placement(), ready.Edge)
	c.ForetellState(ctx, c.node.Placement(), e.Name, wire.EdgeUp)
	command := placement.Command{Kind: placement.EdgeReady, Name: ready.Edge, Incarnation: ready.Incarnation, Version: ready.Version, Loads: tables}
	if report, _, ok := c.Loads.Last(e); ok && report.Recovery != nil {
		command.CopiedBytes = report.Recovery.Bytes
	}
	if _, err := c.Proposals.Propose(ctx, command); err != nil {
		RefuseCommand(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// checkJoin wants addresses at which a balancer that asks from one and this one, who leads, reach
// each other.
func checkJoin(b wire.Balancer, from string, own wire.Balancer) error {
	return cmp.Or(call.CheckAddress("--raft-advertise", b.Raft), call.CheckFrom("--raft-advertise", b.Raft, from),
		call.CheckReached("--advertise", b.HTTP), call.CheckFrom("--advertise", b.HTTP, from),
		call.CheckFrom("--raft-listen of "+own.Name+", who leads", own.Raft, from))
}

// handleJoin takes a further balancer in, or back, or notes its new address. Only
// the leader can.
func (c *Control) handleJoin(w http.ResponseWriter, r *http.Request) {
	var b wire.Join
	if !call.Read(w, r, &b) {
		return
	}
	if !c.node.IsLeader() {
		c.misdirected(w)
		return
	}
	if err := checkJoin(b.Balancer, r.RemoteAddr, c.self()); err != nil {
		call.RefuseNode(w, http.StatusBadRequest, call.ReasonBody, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), orderLimit)
	defer cancel()
	if err := c.taken(ctx, b); err != nil {
		call.RefuseNode(w, http.StatusConflict, wire.ReasonNameTaken, err.Error())
		return
	}
	err := c.node.Admit(ctx, b.Balancer, b.Fresh)
	if err == nil {
		_, err = c.Proposals.Propose(ctx, placement.Command{Kind: placement.Balancer, Balancer: &b.Balancer})
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

var errLeaderless = errors.New("no majority of the balancers is there, by what it knows: start those that are gone; if most disks are lost: tandem cluster recover")
