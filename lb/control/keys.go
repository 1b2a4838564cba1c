package control

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/raftfsm/placement"
)

// keyMargin is how much longer a key opens than what it has sealed is good:
// clocks differ.
const keyMargin = time.Minute

// purposes are what keys are made for.
var purposes = []wire.Purpose{wire.ForTokens, wire.ForDatagrams}

// handleKeys gives a node the keys. They stand in no placement.
func (c *Control) handleKeys(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	call.Reply(w, http.StatusOK, c.node.Keys())
}

// rotation changes the keys, while this balancer leads.
type rotation struct{ *tasks }

// tend makes the first keys, lets a new one seal when everybody has it, makes
// the next one when it is time, and ends those with which nothing good is sealed
// any more.
func (r rotation) tend(ctx context.Context) {
	if !r.c.node.NamesStreams() && !r.newKey(ctx, wire.ForStreams, "") {
		return
	}
	for _, p := range purposes {
		keys := r.c.node.Keys()
		r.tendPurpose(ctx, p, keys.Of(p), keys.Version)
	}
}

// tendPurpose does the one thing that is due.
func (r rotation) tendPurpose(ctx context.Context, p wire.Purpose, set *wire.KeySet, version uint64) {
	kind, id := dueKey(set, r.c.deps.Now(), r.c.cfg.KeyLife, r.c.cfg.TokenLife)
	switch {
	case kind == placement.KeyNew:
		r.newKey(ctx, p, "by time")
	case kind == placement.KeyUse && allHave(r.c.node.Placement(), version, r.ofEdge, r.ofBalancer), kind == placement.KeyDrop:
		r.task(ctx, placement.Command{Kind: kind, Secret: &placement.Secret{Purpose: p, KeyID: id}})
	}
}

// dueKey is what is to be done to the keys of a purpose: to make one, to let the
// next one seal (when all have it), to end one, or nothing. life is how long a key
// seals, good how long what it seals is good.
func dueKey(set *wire.KeySet, now time.Time, life, good time.Duration) (placement.Kind, uint8) {
	since := func(ms int64) time.Duration { return now.Sub(time.UnixMilli(ms)) }
	if next, ok := set.Next(); ok {
		return placement.KeyUse, next.ID
	}
	for _, k := range set.Keys {
		if k.Ceased != 0 && since(k.Ceased) > good+keyMargin {
			return placement.KeyDrop, k.ID
		}
	}
	if n := len(set.Keys); n == 0 || n < wire.MaxKeys && since(set.Keys[n-1].Made) > life {
		return placement.KeyNew, 0
	}
	return "", 0
}

func (r rotation) newKey(ctx context.Context, p wire.Purpose, cause string) bool {
	_, ok := r.task(ctx, NewKey(p, cause))
	return ok
}

// NewKey is a command that makes a key.
func NewKey(p wire.Purpose, cause string) placement.Command {
	secret := make([]byte, wire.KeySize)
	_, _ = rand.Read(secret) // never fails: it ends the process first
	return placement.Command{Kind: placement.KeyNew, Cause: cause, Secret: &placement.Secret{Purpose: p, Key: secret}}
}

// allHave tells whether every edge that is not down, and every balancer that
// answers, opens with the keys of a version, as they say themselves.
func allHave(p *wire.Placement, version uint64, ofEdge func(wire.Edge) (uint64, bool), ofBalancer func(name string) (uint64, bool)) bool {
	for _, e := range p.Edges {
		if has, ok := ofEdge(e); e.State != wire.EdgeDown && (!ok || has < version) {
			return false
		}
	}
	for _, b := range p.Balancers {
		if has, ok := ofBalancer(b.Name); ok && has < version {
			return false
		}
	}
	return true
}

func (r rotation) ofEdge(e wire.Edge) (uint64, bool) {
	report, _, ok := r.c.Loads.Last(e)
	return report.Keys, ok
}

func (r rotation) ofBalancer(name string) (uint64, bool) {
	pong, ok := r.c.Balancer(name)
	return pong.Keys, ok
}
