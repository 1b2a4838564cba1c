package lb

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tandem/internal/call"
	"tandem/internal/h1"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/proxy"
)

// maxSID bounds a player's own name of a session, in bytes; CTA-5004 allows 64.
const maxSID = 128

// entry serves a playlist or MPD without a token: the viewer's session is found
// or opened, and the viewer is sent to it.
func (l *LB) entry(w http.ResponseWriter, r *http.Request) (int, int64) {
	p := l.control.Placement()
	stream := wire.StreamName(r.RequestURI)
	placed := p.Stream(stream) != nil
	if s, ok := l.recognise(r, stream); ok {
		_, expired := l.control.Tokens.Verify(r.Context(), s.token)
		if _, ok := p.Pair(s.id.Pair); ok && expired == nil {
			l.counts.recognised.Inc()
			return redirect(w, underSession(s.token, r))
		}
	}
	if !placed {
		if status := l.lookUp(r); status >= 400 {
			return l.missing(w, status)
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), openLimit)
	defer cancel()
	id, reason := l.opener.open(ctx, stream, hostOf(r.RemoteAddr), false)
	if reason != "" {
		if r.Context().Err() != nil {
			return 499, 0 // nobody is there to be told
		}
		l.counts.refused(reason)
		l.events.Refused(wire.Event{Kind: "refused", Stream: stream, Text: "A viewer of " + stream + " was refused: " + refusals[reason] + "."}, reason)
		return l.deny(w, http.StatusServiceUnavailable, reason, refusals[reason])
	}
	l.counts.opened.Inc()
	token, ok := l.control.Tokens.Seal(ctx, id, stream)
	if !ok {
		return l.deny(w, http.StatusServiceUnavailable, wire.ReasonQuorum, "the balancers have made no key yet; try again")
	}
	l.remember(r, seat{id: id, token: token, stream: stream, sid: sidOf(r)})
	return redirect(w, underSession(token, r))
}

// recognise finds the session of a viewer that re-asks an entry: by what the
// player calls it, by the connection, or because that viewer asks its segments
// without a token. Address and user agent alone would not do: many viewers
// share an address.
func (l *LB) recognise(r *http.Request, stream string) (seat, bool) {
	sid := sidOf(r)
	if sid != "" {
		if s, ok := l.known.find(sidKey(sid, stream)); ok {
			return s, true
		}
	}
	if c := clientOf(r); c != nil && !behindProxy(r) {
		if s, ok := c.seats.find(stream, r.UserAgent(), sid); ok {
			return s, true
		}
	}
	s, ok := l.known.findLoose(looseKey(hostOf(r.RemoteAddr), r.UserAgent(), stream))
	return s, ok && s.sid == sid
}

func (l *LB) remember(r *http.Request, s seat) {
	if s.sid != "" {
		l.known.put(sidKey(s.sid, s.stream), s)
	}
	if c := clientOf(r); c != nil && !behindProxy(r) {
		c.seats.put(s.stream, r.UserAgent(), s)
	}
	l.known.put(looseKey(hostOf(r.RemoteAddr), r.UserAgent(), s.stream), s)
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

// lookLimit is the longest wait for the origin's word on an entry of a stream
// that is not placed.
const lookLimit = 12 * time.Second

// lookUp asks an edge whether the entry of an unplaced stream exists, so that
// wrong paths place nothing: the status, 200 when it is there. The edge keeps
// what it finds for the viewers to come.
func (l *LB) lookUp(r *http.Request) int {
	ctx, cancel := context.WithTimeout(r.Context(), lookLimit)
	defer cancel()
	p := l.control.Placement()
	counts := l.control.Loads.Figures(p)
	stream := wire.StreamName(r.RequestURI)
	var tried []string
	found := http.StatusOK // when nobody can be asked: opening says why it can't be
	for range openRounds {
		edge, pair := "", wire.PairID(0)
		if c := ring.Choose(p, counts, stream); c.Edge != "" && !slices.Contains(tried, c.Edge) {
			edge, pair = c.Edge, c.Pair
		} else if t, ok := l.anyone(tried); ok {
			edge = t.Edge
		} else {
			return found
		}
		tried = append(tried, edge)
		status, err := l.head(ctx, p, edge, pair, r)
		switch {
		case err == nil && status < 500:
			return status
		case err == nil:
			found = http.StatusBadGateway // its origin fails: another edge may reach it
			continue
		case ctx.Err() != nil:
			return http.StatusGatewayTimeout
		}
		l.control.Checks.Failed(edge, proxy.CauseOf(err))
	}
	return found
}

func (l *LB) head(ctx context.Context, p *wire.Placement, edge string, pair wire.PairID, r *http.Request) (int, error) {
	e, ok := p.Edge(edge)
	if !ok {
		return 0, errors.New("the edge has left")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, e.HTTP, nil)
	if err != nil {
		return 0, err
	}
	req.URL = h1.URL(req.URL.Scheme, req.URL.Host, r.RequestURI)
	req.Header.Set(wire.HeaderViewer, hostOf(r.RemoteAddr))
	if pair != 0 {
		req.Header.Set(wire.HeaderPair, pairText(pair))
	}
	resp, err := l.call.Do(req)
	if err != nil {
		return 0, err
	}
	_ = resp.Body.Close()
	return resp.StatusCode, nil
}

// missing passes on what was found out about an entry.
func (l *LB) missing(w http.ResponseWriter, status int) (int, int64) {
	switch {
	case status == http.StatusNotFound || status == http.StatusGone:
		return l.deny(w, status, call.ReasonUnused, "there is no such stream at the origin")
	case status < 500:
		return l.deny(w, status, call.ReasonOrigin, "the origin refuses this path")
	default:
		return l.deny(w, http.StatusBadGateway, call.ReasonOrigin, refusals[call.ReasonOrigin])
	}
}
