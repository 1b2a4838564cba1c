package lb

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"golang.org/x/sync/singleflight"

	"tandem/internal/cachekey"
	"tandem/internal/media"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb/admission"
	"tandem/lb/control"
	"tandem/lb/proxy"
)

var errNoPlace = errors.New("no edge has room for the session")

// moves are sessions that have a new place because the edge of the old one refuses
// them. Viewers go on asking under the token that they have.
//
// A playlist or MPD that is called one is redirected to the new address, which every
// balancer can route, and what it names lies there; until then another balancer than
// this one would find it a place of its own, and the one that is not used ends by
// idling.
type moves struct {
	table *clientTable // bindings by what the viewer's token names
	one   singleflight.Group
}

// moveKey is a session as a key.
func moveKey(id wire.SessionID) string {
	b := strconv.AppendUint(make([]byte, 0, 32), uint64(id.Pair), 10)
	b = strconv.AppendInt(append(b, '-'), int64(id.Slot), 10)
	return string(strconv.AppendUint(append(b, '-'), uint64(id.Generation), 10))
}

// find is the new place of a session. It costs next to nothing while there is none.
func (m *moves) find(id wire.SessionID) (binding, bool) {
	if m.table.size() == 0 {
		return binding{}, false
	}
	return m.table.find(moveKey(id))
}

// anew is for proxy.Request.Anew: a new place for a viewer when the edge of its
// session's place of now refuses it. The viewer asks for target (without a token).
func (l *LB) anew(r *http.Request, of session, target string) func() (proxy.Request, bool) {
	return func() (proxy.Request, bool) {
		s, ok := l.move(r, of)
		if !ok {
			return proxy.Request{}, false
		}
		p := l.control.Placement()
		pair, ok := p.Pair(s.id.Pair)
		if !ok {
			return proxy.Request{}, false
		}
		edge, partner := ring.Route(p, pair, s.id.Slot)
		first, ok := l.target(edge, nil)
		if !ok {
			return proxy.Request{}, false
		}
		return proxy.Request{Target: wire.SessionPrefix + s.token + target, Pair: pair.ID, First: first, Next: l.others(partner)}, true
	}
}

// inNewPlace serves a viewer whose session, which its token names, has moved. A
// playlist leads to the new address, on the terms of the viewer's token.
func (l *LB) inNewPlace(w http.ResponseWriter, r *http.Request, p *wire.Placement, token wire.Token, s binding, target string) (int, int64) {
	terms := control.TermsOf(token)
	if terms.Scope > 0 {
		text, ok := l.control.Tokens.Seal(r.Context(), s.id, s.stream, terms)
		if !ok {
			return l.deny(w, http.StatusServiceUnavailable, wire.ReasonQuorum, "the balancers have no key; try again")
		}
		s.token = text
	}
	to := wire.SessionPrefix + s.token + target
	if media.IsEntry(cachekey.Path(target)) {
		return redirect(w, to)
	}
	pair, ok := p.Pair(s.id.Pair)
	if !ok {
		return l.carryLoose(w, r, p, s.stream, target, proxy.Request{})
	}
	return l.carrySession(w, r, p, session{token.SessionID, s.id, s.stream, terms, nil}, to, target, pair)
}

// move opens a session for a viewer that had one, wherever there is room up to the
// edges' capacity. Tracks that a player asks for side by side get the same one.
func (l *LB) move(r *http.Request, of session) (binding, bool) {
	if of.stream == "" {
		return binding{}, false // it is placed nowhere any more: by its entry it can be
	}
	found, err, _ := l.moves.one.Do(moveKey(of.id), func() (any, error) {
		if s, ok := l.moves.find(of.id); ok && s.id != of.at {
			return s, nil // another request was quicker
		}
		// The first of the viewer's requests may be given up while others wait for it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), admission.Limit)
		defer cancel()
		opened, reason := l.opener.Open(ctx, of.stream, hostOf(r.RemoteAddr), true)
		if reason != "" {
			return nil, errNoPlace
		}
		token, ok := l.control.Tokens.Seal(ctx, opened, of.stream, of.terms)
		if !ok {
			return nil, errNoPlace
		}
		s := binding{id: opened, token: token, stream: of.stream, sid: sidOf(r)}
		l.remember(r, s)
		l.moves.table.put(moveKey(of.id), s)
		l.counts.placedAnew.Inc()
		return s, nil
	})
	if err != nil {
		return binding{}, false
	}
	return found.(binding), true
}
