package rights

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"tandem/internal/call"
	"tandem/internal/identity"
	"tandem/internal/wire"
)

// Gate stands before the endpoints of a node.
type Gate struct {
	Identity  *identity.Bundle // nil: nodes show Secret
	Secret    wire.Secret
	Placement func() *wire.Placement
	Refused   func(r *http.Request, err error)
	Seen      func(p identity.Peer) // whoever has a certificate that counts; nil: nobody looks
	Rows      []Row
	BodyLimit time.Duration // for a body to arrive; 0: as the listener says
}

// ErrUnnamed is of who calls as nodes do that have no names, where nodes have some.
var ErrUnnamed = errors.New("the secret is shown and no certificate: nodes of this cluster have certificates; get one (tandem ticket, tandem join) and start with --identity")

// strangerLimit is how long a stranger may go on sending.
const strangerLimit = time.Second

type callerKey struct{}

// Node tells whether a request has been let through by a gate: it is a node's.
func Node(r *http.Request) bool { return r.Context().Value(callerKey{}) != nil }

// Peer is the node that asks, where nodes have names.
func Peer(r *http.Request) (identity.Peer, bool) {
	p, ok := r.Context().Value(callerKey{}).(identity.Peer)
	return p, ok
}

// Wrap lets those requests through to next that the table lets through.
func (g *Gate) Wrap(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	rows := make(map[string]*Row, len(g.Rows))
	for i := range g.Rows {
		pattern := g.Rows[i].Method + " " + g.Rows[i].Path
		mux.Handle(pattern, next)
		rows[pattern] = &g.Rows[i]
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.Identity == nil {
			g.bySecret(w, r, next)
			return
		}
		_, pattern := mux.Handler(r)
		g.byName(w, r, next, rows[pattern])
	})
}

// bySecret is for a cluster whose nodes have no names.
func (g *Gate) bySecret(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if !g.Secret.Authorised(r) {
		g.shutOut(w, r, errors.New("closed to viewers"), "closed")
		return
	}
	g.let(w, r, next, true)
}

func (g *Gate) byName(w http.ResponseWriter, r *http.Request, next http.Handler, row *Row) {
	if row != nil && row.Roles[0] == Anybody {
		g.let(w, r, next, true)
		return
	}
	peer, err := g.Identity.Peer(r.TLS)
	if err != nil {
		g.shutOut(w, r, err, call.ReasonCertificate)
		return
	}
	if known, ok := r.Context().Value(connectionKey{}).(interface{ Proved() }); ok {
		known.Proved()
	}
	if g.Seen != nil {
		g.Seen(peer)
	}
	if row == nil {
		call.RefuseNode(w, http.StatusNotFound, call.ReasonUnused, "no such endpoint here for "+string(peer.Role)+"s")
		return
	}
	if !slices.ContainsFunc(row.Roles, peer.Role.Is) {
		g.shutOut(w, r, fmt.Errorf("%s is %s; this is for %s", peer.Node, peer.Role, rolesOf(row.Roles)), "role")
		return
	}
	if row.Own == nil {
		g.let(w, r, next, peer)
		return
	}
	a := &asked{peer: peer, self: g.Identity.Name().Node, r: r, placement: g.Placement}
	if row.Body > 0 {
		g.limit(w, r)
		var ok bool
		if a.body, ok = call.ReadBody(w, r, row.Body); !ok {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(a.body))
	}
	if err := row.Own(a); err != nil {
		g.shutOut(w, r, err, "own")
		return
	}
	g.let(w, r, next, peer)
}

func rolesOf(roles []identity.Role) string {
	text := ""
	for i, role := range roles {
		if i > 0 {
			text += ", "
		}
		text += string(role) + "s"
	}
	return text
}

// let hands a request on.
func (g *Gate) let(w http.ResponseWriter, r *http.Request, next http.Handler, caller any) {
	g.limit(w, r)
	next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
}

func (g *Gate) limit(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 && g.BodyLimit > 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(g.BodyLimit))
	}
}

// shutOut refuses, and ends the connection: a stranger's body is not even read.
func (g *Gate) shutOut(w http.ResponseWriter, r *http.Request, err error, reason string) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(strangerLimit))
	if g.Refused != nil {
		g.Refused(r, err)
	}
	w.Header().Set(wire.HeaderReason, reason) // a balancer tells by it what is not for its viewer
	call.RefuseNode(w, http.StatusForbidden, reason, err.Error())
}

// Seldom lets a refusal be told once a second at most: strangers fill no log.
func Seldom(tell func(r *http.Request, err error)) func(r *http.Request, err error) {
	var last atomic.Int64
	return func(r *http.Request, err error) {
		now, before := time.Now().Unix(), last.Load()
		if now != before && last.CompareAndSwap(before, now) {
			tell(r, err)
		}
	}
}

// Closed answers for a listener of viewers where nodes have one of their own: it
// knows no endpoint of theirs. A ping is answered to who shows the cluster's secret,
// for health checks of what stands before; it says what this node is, and no more.
func (g *Gate) Closed(ping http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == wire.PathPing && r.Method == http.MethodGet && g.Secret.Authorised(r) {
			ping.ServeHTTP(w, r)
			return
		}
		err := errors.New("closed to viewers")
		if g.Secret.Authorised(r) {
			err = ErrUnnamed
		}
		g.shutOut(w, r, err, "closed")
	})
}

// Unnamed tells of those of a closed listener's callers alone that mean to be nodes.
func Unnamed(tell func(r *http.Request, err error)) func(r *http.Request, err error) {
	seldom := Seldom(tell)
	return func(r *http.Request, err error) {
		if errors.Is(err, ErrUnnamed) {
			seldom(r, err)
		}
	}
}
