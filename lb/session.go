package lb

import (
	"errors"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"

	"tandem/internal/access"
	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/h1"
	"tandem/internal/media"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/lb/proxy"
	"tandem/lb/proxy/upstream"
	"tandem/lb/steering"
)

// inSession serves a request with a token: verify, route, carry.
func (l *LB) inSession(w http.ResponseWriter, r *http.Request, text, rest string) (int, int64) {
	token, err := l.control.Tokens.Verify(r.Context(), text)
	switch {
	case err == nil:
	case errors.Is(err, wire.ErrTokenKey) && control.Stale(l.control):
		return l.deny(w, http.StatusServiceUnavailable, reasonEmpty, refusals[reasonEmpty])
	case media.IsEntry(cachekey.Path(rest)), media.KindOf(cachekey.Path(rest), "") == media.Other:
		return l.reopen(w, r, text) // what is no entry after all is served, or refused, there
	case errors.Is(err, wire.ErrTokenExpired):
		return l.deny(w, http.StatusForbidden, call.ReasonToken, "the session has expired; open the stream anew")
	default:
		return l.deny(w, http.StatusForbidden, call.ReasonToken, "the session in the path is not one of this cluster; open the stream anew")
	}
	p := l.control.Placement()
	stream := l.opener.StreamOf(r.Context(), p, token, rest)
	if !l.entrance.reaches(stream, token, rest) {
		return keepOut(w, &access.Refusal{Reason: access.ReasonScope, Text: "the session was not let in there; open the stream that this belongs to"})
	}
	l.entrance.strip(stream, token, r.Header)
	pair, ok := p.Pair(token.Pair)
	if !ok {
		// The ring has changed and the pair has ended: an entry gets a new session, and
		// what is still asked for under the old one gets a place as well, or is served by
		// whoever has it.
		if media.IsEntry(cachekey.Path(rest)) {
			return l.reopen(w, r, text)
		}
		if s, ok := l.move(r, session{token.SessionID, token.SessionID, stream, control.TermsOf(token), nil}); ok {
			return l.inNewPlace(w, r, l.control.Placement(), token, s, rest)
		}
		return l.carryLoose(w, r, p, stream, rest, proxy.Request{})
	}
	if s, ok := l.moves.find(token.SessionID); ok {
		return l.inNewPlace(w, r, p, token, s, rest)
	}
	serve := func(w http.ResponseWriter, r *http.Request) (int, int64) {
		return l.carrySession(w, r, p, session{token.SessionID, token.SessionID, stream, control.TermsOf(token), nil}, r.RequestURI, rest, pair)
	}
	if l.cfg.Steers(stream, rest) && steering.MayBeEntry(r) {
		return steerEntry(l, w, r, waysOf(l, p, token, text), serve)
	}
	return serve(w, r)
}

// session is whom a request belongs to.
type session struct {
	id     wire.SessionID // what the viewer's token names
	at     wire.SessionID // its place of now
	stream string
	terms  control.Terms
	enter  func(kind string) (int, int64) // answers what turns out to be an entry; nil: nothing in the session does
}

// carrySession carries a response to an open session from whoever has its slot: to
// is what the edge is asked for, target the same without a token.
// A slot that nobody delivers belongs to a pair that is gone, and was left over
// when its sessions were given away: it is served while some edge has room after
// all, and else refused, for nobody delivers more than it can.
func (l *LB) carrySession(w http.ResponseWriter, r *http.Request, p *wire.Placement, s session, to, target string, pair *wire.Pair) (status int, sent int64) {
	edge, partner := ring.Route(p, pair, s.at.Slot)
	if edge == "" && partner != "" && !l.control.HasRoom(partner) {
		if partner = l.roomAnywhere(p); partner == "" {
			l.forget(r, s.at, s.stream)
			return l.deny(w, http.StatusServiceUnavailable, wire.ReasonCluster, refusals[wire.ReasonCluster])
		}
	}
	if l.cfg.redirects(s.stream) {
		if at := direct(p, l.control.Checks.Suspected, edge, partner, target); at != "" {
			l.counts.redirected.Inc()
			return redirect(w, at+to)
		}
	}
	status, sent = l.carryTo(w, r, to, pair.ID, edge, partner, proxy.Request{Anew: l.anew(r, s, target), Entry: s.enter})
	if status == http.StatusServiceUnavailable {
		l.forget(r, s.at, s.stream)
	}
	return status, sent
}

// roomAnywhere is an edge that could deliver one more, "" when none can. One that has
// come back and copies what it has missed serves meanwhile rather than nobody.
func (l *LB) roomAnywhere(p *wire.Placement) string {
	back := ""
	for _, e := range p.Edges {
		switch {
		case ring.HasCopy(e.State) && l.control.HasRoom(e.Name):
			return e.Name
		case e.State == wire.EdgeRecovering && back == "":
			back = e.Name
		}
	}
	return back
}

// reopen sends a player to the address without a session, where it gets a new one.
func (l *LB) reopen(w http.ResponseWriter, r *http.Request, token string) (int, int64) {
	target := withoutSession(token, r)
	if strings.HasPrefix(target, "//") { // in a Location it would be another host's
		return l.deny(w, http.StatusForbidden, call.ReasonToken, "the session in the path is not valid; open the stream anew")
	}
	l.counts.reopened.Inc()
	return redirect(w, target)
}

func redirect(w http.ResponseWriter, location string) (int, int64) {
	h := w.Header()
	call.CORS(h)
	h.Set("Location", location)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusFound)
	return http.StatusFound, 0
}

// carryTo carries a response from an edge, with the partner and then everybody
// else as those who can go on, beside what the request has already.
func (l *LB) carryTo(w http.ResponseWriter, r *http.Request, to string, pair wire.PairID, edge, partner string, as proxy.Request) (int, int64) {
	if edge == "" || partner != "" && l.control.Checks.Suspected(edge) && !l.control.Checks.Suspected(partner) {
		edge, partner = partner, edge
	}
	next := l.others(partner)
	first, ok := l.target(edge, nil)
	if !ok {
		if first, ok = next(nil); !ok {
			return l.deny(w, http.StatusServiceUnavailable, wire.ReasonNoEdge, refusals[wire.ReasonNoEdge])
		}
	}
	as.Target, as.Viewer, as.Taker, as.Pair, as.First, as.Next = to, hostOf(r.RemoteAddr), takerOf(clientOf(r)), pair, first, next
	return l.proxy.Serve(w, r, as)
}

// others are whom a response is asked of next: the partner, then everybody else.
func (l *LB) others(partner string) func(tried []string) (upstream.Target, bool) {
	return func(tried []string) (upstream.Target, bool) {
		if t, ok := l.target(partner, tried); ok {
			return t, true
		}
		return l.anyone(tried)
	}
}

// target is where an edge is asked, if it has not been and holds content.
func (l *LB) target(edge string, tried []string) (upstream.Target, bool) {
	if edge == "" || slices.Contains(tried, edge) {
		return upstream.Target{}, false
	}
	e, ok := l.control.Placement().Edge(edge)
	if !ok || !ring.HasCopy(e.State) {
		return upstream.Target{}, false
	}
	return reach(l, e), true
}

// anyone is the next living edge: those that are not suspected, and have a copy
// of something, first. It fills from the origin.
func (l *LB) anyone(tried []string) (upstream.Target, bool) {
	p := l.control.Placement()
	for _, suspected := range []bool{false, true} {
		for _, e := range p.Edges {
			if !ring.HasCopy(e.State) || slices.Contains(tried, e.Name) || l.control.Checks.Suspected(e.Name) != suspected {
				continue
			}
			return reach(l, e), true
		}
	}
	return lastResort(l, p, tried)
}

// mostLost bounds how many edges are asked for one response that nobody counts on.
const mostLost = 3

// lastResort is an edge that the placement does not count on, where nobody is left to be
// asked: one that has come back and copies what it has missed, else one that was declared
// dead. All edges silent in one second are rather a machine or a switch that stood still,
// or one who judged in haste; and where they are dead, the answer is the same 503.
func lastResort(l *LB, p *wire.Placement, tried []string) (upstream.Target, bool) {
	lost := 0
	for _, state := range []wire.EdgeState{wire.EdgeRecovering, wire.EdgeDown} {
		for _, e := range p.Edges {
			switch {
			case e.State != state || e.Stopped:
			case slices.Contains(tried, e.Name):
				lost++
			case lost < mostLost:
				return reach(l, e), true
			}
		}
	}
	return upstream.Target{}, false
}

// fromTheStart tells that a Range asks for the whole, as ffmpeg asks for whatever it
// opens; "" does.
func fromTheStart(text string) bool {
	asked, ok := h1.ParseRange(text)
	return text == "" || ok && asked.First == 0 && asked.OpenEnd()
}

// misnamed tells whether what is called like media may be a playlist all the same: only
// the whole of it is looked at, so that a seek into a file costs no more than it did.
func misnamed(r *http.Request, path string) bool {
	asked := r.Header.Get("Range")
	return r.Method == http.MethodGet && r.Header.Get("If-None-Match") == "" && r.Header.Get("If-Modified-Since") == "" &&
		(asked == "" || strings.HasSuffix(path, ".ts") && fromTheStart(asked))
}

// tokenless serves what is no entry and has no token: as part of the viewer's open
// session where it has one (some players ask every segment at the entry's own
// address), else by the stream's first pair, while there is room for one more viewer: a
// full cluster is full for those who open no session as well.
func (l *LB) tokenless(w http.ResponseWriter, r *http.Request, terms control.Terms) (int, int64) {
	p, path := l.control.Placement(), cachekey.Path(r.RequestURI)
	full := l.control.Loads.Full(p)
	if media.KindOf(path, "") == media.Other && fromTheStart(r.Header.Get("Range")) {
		return l.askEntry(w, r, wire.StreamName(path), !l.cfg.LooseSegments || full, terms)
	}
	stream, placed := streamNear(p, path)
	if !l.cfg.LooseSegments {
		return l.deny(w, http.StatusForbidden, call.ReasonToken, "segments are served within a session; open the stream's playlist first")
	}
	as := proxy.Request{}
	if misnamed(r, path) {
		as.Entry = func(kind string) (int, int64) { return l.enter(w, r, wire.StreamName(path), kind, terms) }
	}
	if placed {
		if s, ok := l.clients.asked(tokenlessKey(hostOf(r.RemoteAddr), r.UserAgent(), stream), full); ok {
			if pair, ok := p.Pair(s.id.Pair); ok {
				return l.carrySession(w, r, p, session{s.id, s.id, stream, terms, as.Entry}, underSession(s.token, r), r.RequestURI, pair)
			}
		}
	}
	if full {
		return refuse(l, w, r, stream, wire.ReasonCluster)
	}
	if media.KindOf(path, "") == media.Other { // a part of it is where the whole is
		if pair, edge, partner := chosen(l, p, wire.StreamName(path)); edge != "" {
			l.counts.tokenless.Inc()
			return l.carryTo(w, r, r.RequestURI, pair, edge, partner, proxy.Request{})
		}
	}
	return l.carryLoose(w, r, p, stream, r.RequestURI, as)
}

// carryLoose serves a request without a session: by the stream's first pair,
// and one that is not placed by an edge that its name picks.
func (l *LB) carryLoose(w http.ResponseWriter, r *http.Request, p *wire.Placement, stream, to string, as proxy.Request) (int, int64) {
	l.counts.tokenless.Inc()
	number := hashOf(hostOf(r.RemoteAddr), r.UserAgent())
	for _, id := range p.Stream(stream) {
		pair, ok := p.Pair(id)
		if !ok || pair.Slots == 0 {
			continue
		}
		edge, partner := ring.Route(p, pair, int(number%uint32(pair.Slots)))
		if edge != "" || partner != "" {
			return l.carryTo(w, r, to, id, edge, partner, as)
		}
	}
	var living []string
	for _, e := range p.Edges {
		if ring.Delivers(e.State) {
			living = append(living, e.Name)
		}
	}
	edge := ""
	if len(living) > 0 {
		edge = living[hashOf(stream)%uint32(len(living))]
	}
	return l.carryTo(w, r, to, 0, edge, "", as)
}

// forget lets a viewer whose session was refused open another one.
func (l *LB) forget(r *http.Request, id wire.SessionID, stream string) {
	if c := clientOf(r); c != nil {
		c.bindings.forget(id)
	}
	if sid := sidOf(r); sid != "" {
		l.clients.forget(sidKey(sid, hostOf(r.RemoteAddr), stream), id)
	}
	l.clients.forget(tokenlessKey(hostOf(r.RemoteAddr), r.UserAgent(), stream), id)
}

// reach is where an edge is asked, and how: where nodes have names in no other way.
func reach(l *LB, e wire.Edge) upstream.Target {
	addr := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(e.HTTP, "https://"), "http://"), "/")
	if !strings.Contains(addr, ":") {
		addr += ":80"
	}
	return upstream.Target{Edge: e.Name, Addr: addr, Incarnation: e.Incarnation, TLS: l.identity != nil}
}

func hashOf(texts ...string) uint32 {
	h := fnv.New32a()
	for _, text := range texts {
		_, _ = h.Write([]byte(text))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum32()
}
