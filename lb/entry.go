package lb

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/admission"
	"tandem/lb/control"
	"tandem/lb/proxy"
)

// maxSID bounds a player's own name of a session, in bytes; CTA-5004 allows 64.
const maxSID = 128

// entry serves what is called like a manifest and is asked for without a token. The
// origin has said before that a placed stream's entries are some; else it is asked.
func (l *LB) entry(w http.ResponseWriter, r *http.Request, terms control.Terms) (int, int64) {
	stream := wire.StreamName(r.RequestURI)
	if l.control.Placement().Stream(stream) == nil {
		return l.askEntry(w, r, stream, false, terms)
	}
	return l.enter(w, r, stream, "", terms)
}

// askEntry serves what may be an entry, by an edge that finds out: a manifest opens
// a session; all else is served as it is, or refused (only). So nothing is placed
// but what the origin calls a manifest. The edge keeps what it finds for the viewers
// to come, so it is the one that would be chosen for them.
func (l *LB) askEntry(w http.ResponseWriter, r *http.Request, stream string, only bool, terms control.Terms) (int, int64) {
	pair, edge, partner := chosen(l, l.control.Placement(), stream)
	next := l.others(partner)
	first, ok := l.target(edge, nil)
	if !ok {
		if first, ok = next(nil); !ok {
			return l.deny(w, http.StatusServiceUnavailable, wire.ReasonNoEdge, refusals[wire.ReasonNoEdge])
		}
	}
	return l.proxy.Serve(w, r, proxy.Request{
		Target: r.RequestURI, Viewer: hostOf(r.RemoteAddr), Taker: takerOf(clientOf(r)), Pair: pair, First: first, Next: next, EntryOnly: only,
		Entry: func(kind string) (int, int64) { return l.enter(w, r, stream, kind, terms) },
	})
}

// chosen is where a viewer of a stream would be sent now; "": nowhere.
func chosen(l *LB, p *wire.Placement, stream string) (pair wire.PairID, edge, partner string) {
	c := ring.Choose(p, l.control.Loads.Figures(p), stream)
	if q, ok := p.Pair(c.Pair); ok && q.Low == c.Edge {
		partner = q.High
	} else if ok {
		partner = q.Low
	}
	return c.Pair, c.Edge, partner
}

// enter sends a viewer to its session, which is found or opened, on its terms of now.
// kind is the manifest's, where it is known.
func (l *LB) enter(w http.ResponseWriter, r *http.Request, stream, kind string, terms control.Terms) (int, int64) {
	if s, ok := l.recognise(r, stream, kind); ok {
		token, err := l.control.Tokens.Verify(r.Context(), s.token)
		if terms.Scope > 0 {
			var sealed bool
			if s.token, sealed = l.control.Tokens.Seal(r.Context(), s.id, s.stream, terms); sealed {
				err = nil
				l.remember(r, s)
			}
		} else if token.Scope > 0 {
			err = wire.ErrTokenForeign // opened on terms that it does not show now
		}
		if _, ok := l.control.Placement().Pair(s.id.Pair); ok && err == nil {
			l.counts.recognised.Inc()
			return redirect(w, underSession(s.token, r))
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), admission.Limit)
	defer cancel()
	viewer := hostOf(r.RemoteAddr)
	if !l.refused.Left(viewer) {
		return refuse(l, w, r, stream, wire.ReasonClient)
	}
	id, reason := l.opener.Open(ctx, stream, viewer, false)
	if reason != "" {
		l.refused.Spend(viewer, 1)
		return refuse(l, w, r, stream, reason)
	}
	l.counts.opened.Inc()
	token, ok := l.control.Tokens.Seal(ctx, id, stream, terms)
	if !ok {
		return l.deny(w, http.StatusServiceUnavailable, wire.ReasonQuorum, "the balancers have made no key yet; try again")
	}
	l.remember(r, binding{id: id, token: token, stream: stream, sid: sidOf(r)})
	return redirect(w, underSession(token, r))
}

// recognise finds the session of a viewer that asks again: by what the player calls
// it, by the connection, or because that viewer asks its segments without a token.
// Address and user agent alone would not do: many viewers share an address.
//
// One viewer is one session, whatever playlists it asks for: some players ask for the
// playlists below an entry at the entry's own address. So the session of a stream in
// a folder above is this one too, where the player says so by its name of it, or
// where what is asked for is a list of segments, which no viewer begins with that
// watches a stream of theirs already.
func (l *LB) recognise(r *http.Request, stream, kind string) (binding, bool) {
	for at := stream; at != ""; at = above(at) {
		if s, ok := l.recogniseIn(r, at, at == stream || kind == wire.ManifestMedia); ok {
			return s, true
		}
	}
	return binding{}, false
}

// above is the name of the folder above, "" when there is none.
func above(stream string) string {
	return stream[:strings.LastIndexByte(strings.TrimSuffix(stream, "/"), '/')+1]
}

// recogniseIn is recognise for one stream; silent: also without the player's word.
func (l *LB) recogniseIn(r *http.Request, stream string, silent bool) (binding, bool) {
	sid := sidOf(r)
	if sid != "" {
		if s, ok := l.clients.find(sidKey(sid, hostOf(r.RemoteAddr), stream)); ok {
			return s, true
		}
	}
	if !silent {
		return binding{}, false
	}
	if c := clientOf(r); c != nil && !behindProxy(r) {
		if s, ok := c.bindings.find(stream, r.UserAgent(), sid); ok {
			return s, true
		}
	}
	s, ok := l.clients.findTokenless(tokenlessKey(hostOf(r.RemoteAddr), r.UserAgent(), stream))
	return s, ok && s.sid == sid
}

func (l *LB) remember(r *http.Request, s binding) {
	if s.sid != "" {
		l.clients.put(sidKey(s.sid, hostOf(r.RemoteAddr), s.stream), s)
	}
	if c := clientOf(r); c != nil && !behindProxy(r) {
		c.bindings.put(s.stream, r.UserAgent(), s)
	}
	l.clients.put(tokenlessKey(hostOf(r.RemoteAddr), r.UserAgent(), s.stream), s)
}

// behindProxy tells that the connection is not the viewer's own.
func behindProxy(r *http.Request) bool {
	return r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" || r.Header.Get("Via") != ""
}

// sidOf is the player's own name of its session: CMCD's sid (CTA-5004), in the
// query or a header, or what Apple's players send.
func sidOf(r *http.Request) string {
	sid := r.Header.Get("X-Playback-Session-Id")
	if text := r.Header.Get("CMCD-Session"); text != "" {
		if found := sidIn(text); found != "" {
			sid = found
		}
	}
	if strings.Contains(r.URL.RawQuery, "CMCD=") {
		if query, err := url.ParseQuery(r.URL.RawQuery); err == nil {
			if found := sidIn(query.Get("CMCD")); found != "" {
				sid = found
			}
		}
	}
	if len(sid) > maxSID {
		return ""
	}
	return sid
}

// sidIn reads sid="..." out of a CMCD list.
func sidIn(list string) string {
	for part := range strings.SplitSeq(list, ",") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(part), "sid="); ok {
			return strings.Trim(text, `"`)
		}
	}
	return ""
}
