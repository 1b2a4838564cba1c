package lb

import (
	"net/http"

	"tandem/internal/cachekey"
	"tandem/internal/front"
	"tandem/internal/h1"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/lb/proxy"
)

// Relays is for a front.Config: what a loop answers by itself.
func (l *LB) Relays(loop *front.Loop) front.Quick {
	return l.proxy.Splicer(proxy.LoopDeps{
		Plan: l.plan, Others: l.others, Viewer: viewerOf, Taker: takerOnLoop, Served: l.counts.served, Broken: l.brokenOff,
		Anew: func(r *http.Request, p *proxy.LoopRequest) func() (proxy.Request, bool) {
			text, _, _ := wire.SplitPath(r.URL.Path)
			token, _ := wire.PeekToken(text) // it was verified
			return l.anew(r, session{p.Session, p.Session, p.Stream, control.TermsOf(token), nil}, withoutSession(text, r))
		},
		Forget: func(r *http.Request, p *proxy.LoopRequest) { l.forget(r, p.Session, p.Stream) },
	}, loop)
}

// viewerOf is the address of a loop's viewer.
func viewerOf(c *front.Conn) string {
	if held, ok := c.Client().(*client); ok && !front.Behind(c) {
		return held.Address
	}
	return c.Address()
}

// takerOnLoop is takerOf a loop's viewer.
func takerOnLoop(c *front.Conn) *proxy.Taker {
	held, _ := c.Client().(*client)
	return takerOf(held)
}

// plan is inSession for the ordinary case: a good token, and an edge that nobody
// suspects.
func (l *LB) plan(h *h1.Request) (proxy.LoopRequest, bool) {
	text, rest, ok := wire.SplitPath(h.Target)
	if !ok {
		return proxy.LoopRequest{}, false
	}
	if key, good := cachekey.Of(h.Target); !good || key != h.Target {
		return proxy.LoopRequest{}, false // to be spelled in the one way, or refused
	}
	token, err := l.control.Tokens.Ring.Verify(text, l.now())
	if err != nil {
		return proxy.LoopRequest{}, false
	}
	p := l.control.Placement()
	stream, placed := p.StreamBy(token.Stream)
	if !placed || l.cfg.redirects(stream) || l.cfg.Steers(stream, rest) { // to be put back, or to be told from its target
		return proxy.LoopRequest{}, false
	}
	if !l.entrance.reaches(stream, token, rest) || l.entrance.shows(stream, token, h.Get) {
		return proxy.LoopRequest{}, false
	}
	pair, ok := p.Pair(token.Pair)
	if !ok {
		return proxy.LoopRequest{}, false
	}
	if _, moved := l.moves.find(token.SessionID); moved {
		return proxy.LoopRequest{}, false
	}
	edge, partner := ring.Route(p, pair, token.Slot)
	first, ok := l.target(edge, nil)
	if !ok || first.TLS && l.tickets == nil || l.control.Checks.Suspected(edge) { // what is encrypted is not moved inside the kernel
		return proxy.LoopRequest{}, false
	}
	return proxy.LoopRequest{Target: h.Target, First: first, Partner: partner, Pair: pair.ID, Session: token.SessionID, Stream: stream}, true
}
