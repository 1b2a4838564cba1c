package lb

import (
	"io"
	"net/http"
	"strings"
	"time"

	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/h1"
	"tandem/internal/media"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/lb/steering"
)

// Handler is the viewers' side, and, where nodes have no names, what they ask under
// /_tandem/.
func (l *LB) Handler() http.Handler {
	nodes := l.control.Closed()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == wire.PathHealth {
			health(l.control, w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, wire.Internal) {
			nodes.ServeHTTP(w, r)
			return
		}
		status, sent := l.view(w, r)
		l.counts.served(status, sent)
	})
}

// view answers one request of a viewer, whatever becomes of it.
func (l *LB) view(w http.ResponseWriter, r *http.Request) (status int, sent int64) {
	defer l.brokenOff(r)
	if (r.ContentLength != 0 || len(r.TransferEncoding) > 0) && !asksInVain(r) && !l.passOver(w, r) {
		return l.deny(w, http.StatusBadRequest, call.ReasonBody, "the request's body did not arrive, or is too long")
	}
	if r.Host == "" && r.ProtoMajor == 2 { // HTTP/1.1 asks for one as well
		return l.deny(w, http.StatusBadRequest, call.ReasonPath, "a request names the host that it is for: :authority, or Host (RFC 9113 section 8.3.1)")
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		call.Preflight(w, r)
		return http.StatusNoContent, 0
	default:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		return l.deny(w, http.StatusMethodNotAllowed, call.ReasonMethod, "only GET, HEAD and OPTIONS are served here")
	}
	target, ok := cachekey.Of(h1.Target(r))
	if !ok {
		return l.deny(w, http.StatusBadRequest, call.ReasonPath, "the path is too long or malformed")
	}
	token, rest, sitting := wire.SplitPath(target)
	if strings.HasPrefix(rest, wire.Internal) { // spelled so that it was not seen before, or in a session
		return l.deny(w, http.StatusForbidden, "closed", "closed to viewers")
	}
	r.RequestURI = target // one spelling from here on
	if l.awaitPlacement(r); target != "/" && empty(l.control) {
		return l.deny(w, http.StatusServiceUnavailable, reasonEmpty, refusals[reasonEmpty])
	}
	if sitting {
		return l.inSession(w, r, token, rest)
	}
	if token, ok := steering.TokenOf(target); ok {
		return steerPlayer(l, w, r, token)
	}
	terms, refusal := l.entrance.admit(r)
	if refusal != nil {
		return keepOut(w, refusal)
	}
	if media.IsEntry(cachekey.Path(target)) {
		return l.entry(w, r, terms)
	}
	tokenless := func(w http.ResponseWriter, r *http.Request) (int, int64) { return l.tokenless(w, r, terms) }
	if target == "/" {
		return root(tokenless, l.cfg.dashboard())(w, r)
	}
	return tokenless(w, r)
}

// brokenOff sees that what was begun and can't be finished ends in a reset: for
// HTTP/1.0, or a body without a length, an ordinary end would look like the whole.
// It has to be deferred itself.
func (l *LB) brokenOff(r *http.Request) {
	if p := recover(); p != nil {
		if r.ProtoMajor == 1 {
			clientOf(r).breakOff()
		}
		l.counts.broken.Inc()
		panic(p)
	}
}

// startWait is how long a viewer waits for a balancer that has just started and
// does not know the placement yet.
const startWait = 3 * time.Second

// awaitPlacement waits a moment while there is no edge at all: a balancer that
// starts gets the placement within a vote, and a viewer's retry costs more.
func (l *LB) awaitPlacement(r *http.Request) {
	if len(l.control.Placement().Edges) > 0 || l.now().Sub(l.started) > 2*startWait {
		return
	}
	limit := time.NewTimer(startWait)
	defer limit.Stop()
	for {
		changed := l.node.Watch()
		if len(l.control.Placement().Edges) > 0 {
			return
		}
		select {
		case <-changed:
		case <-limit.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// empty tells that this balancer knows no cluster: one with an empty disk that nobody has
// let in yet. It can tell no viewer's session from one that is made up, and no edge that
// is dead from one that it has not heard of.
func empty(c *control.Control) bool {
	return c.Tokens.Ring.Version() == 0 && len(c.Placement().Edges) == 0
}

// What is read of a body that nobody uses.
const (
	maxUnused  = 16 << 10 // bytes
	unusedWait = time.Second
)

// passOver reads a body before the request is answered: RFC 9110 9.3.1 gives that of a GET
// no meaning, and a malformed one is refused whatever is answered. One that is long, or
// does not come, ends the connection: what follows on it may be meant to be taken for
// another request.
func (l *LB) passOver(w http.ResponseWriter, r *http.Request) bool {
	limits := http.NewResponseController(w)
	_ = limits.SetReadDeadline(l.now().Add(unusedWait))
	n, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxUnused+1))
	if err != nil || n > maxUnused {
		w.Header().Set("Connection", "close")
		return false
	}
	_ = limits.SetReadDeadline(time.Time{})
	r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, 0, nil
	return true
}

// asksInVain tells that the client waits to hear whether its body is wanted, with a method that
// is not served: the answer says so, and no 100 goes before it (RFC 9110 section 10.1.1).
func asksInVain(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	default:
		return r.Header.Get("Expect") != ""
	}
}

// deny is refuse with what the caller has to return.
func (l *LB) deny(w http.ResponseWriter, status int, reason, text string) (int, int64) {
	call.Refuse(w, status, reason, text)
	return status, 0
}

// underSession is the target that is sent to an edge, or a viewer is sent to.
func underSession(token string, r *http.Request) string {
	return wire.SessionPrefix + token + r.RequestURI
}

// withoutSession is the request's target without its token.
func withoutSession(token string, r *http.Request) string {
	return strings.TrimPrefix(r.RequestURI, wire.SessionPrefix+token)
}

// streamNear is the placed stream in whose folder, or nearest below it, a path
// lies: a guess for what is asked without a session.
func streamNear(p *wire.Placement, path string) (stream string, placed bool) {
	if stream, ok := p.StreamOf(path); ok {
		return stream, true
	}
	return wire.StreamName(path), false
}
