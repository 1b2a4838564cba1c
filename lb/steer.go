package lb

import (
	"errors"
	"net/http"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/lb/control"
	"tandem/lb/steering"
)

// Steers tells whether this balancer adds steering to what may be the entry of a stream.
func (c *Config) Steers(stream, target string) bool {
	return c.steer.Steers(stream) && !isMedia(target)
}

// waysOf is whose ways a steered player is told.
func waysOf(l *LB, p *wire.Placement, token wire.Token, text string) steering.Session {
	pair, _ := p.Pair(token.Pair)
	_, moved := l.moves.find(token.SessionID)
	return steering.Session{Token: text, Placement: p, Pair: pair, Slot: token.Slot, Elsewhere: moved, Suspected: l.control.Checks.Suspected}
}

// steerEntry serves what may be the entry of a stream whose players are steered.
func steerEntry(l *LB, w http.ResponseWriter, r *http.Request, s steering.Session, serve func(http.ResponseWriter, *http.Request) (int, int64)) (int, int64) {
	status, sent, steered := l.cfg.steer.Entry(w, r, s, serve)
	if steered {
		l.counts.steered.Inc()
	}
	return status, sent
}

// steerPlayer answers a player of this session that asks where to fetch from.
func steerPlayer(l *LB, w http.ResponseWriter, r *http.Request, text string) (int, int64) {
	token, err := l.control.Tokens.Verify(r.Context(), text)
	switch {
	case err == nil:
	case errors.Is(err, wire.ErrTokenKey) && control.Stale(l.control):
		return l.deny(w, http.StatusServiceUnavailable, reasonEmpty, refusals[reasonEmpty])
	default:
		return l.deny(w, http.StatusForbidden, call.ReasonToken, "the session is not one of this cluster, or has expired; open the stream anew")
	}
	l.counts.lists.Inc()
	return l.cfg.steer.List(w, r, waysOf(l, l.control.Placement(), token, text))
}
