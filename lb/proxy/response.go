package proxy

import (
	"errors"
	"hash"
	"net/http"

	"tandem/internal/call"
	"tandem/internal/wire"
)

// response is one response on its way, in a goroutine. It is owned by the goroutine that
// serves the viewer; attempts that run beside it only read it.
type response struct {
	c   *Proxy
	w   http.ResponseWriter
	r   *http.Request
	e   Request
	out spliceTo // nil where bytes have to be copied

	tried   []string
	asked   int      // attempts
	dead    []string // edges that died of it
	broke   []string // edges whose connections broke under it
	garbled []string // edges that sent garbage, and are not accused of it yet
	charged bool     // the free takeover was used
	timing  string   // Server-Timing of a takeover before the head

	promise
	proof hash.Hash // of what was sent, where the rest can't be asked for by range, or not of everybody
}

func (c *Proxy) response(w http.ResponseWriter, r *http.Request, e Request) *response {
	return &response{c: c, w: w, r: r, e: e, out: spliceTarget(w, r), promise: promise{last: -1, total: -1, length: -1}}
}

// finish carries the response to its end, from where the first attempt stands or
// has failed.
func (k *response) finish(a *attempt, err error) (status int, sent int64) {
	for {
		if err == errRefused {
			a, err = k.anew(a)
		}
		if err != nil {
			if a, err = k.replace(a, err); err == errRefused {
				continue
			}
			if err != nil {
				return k.giveUp(err)
			}
		}
		if !k.begun {
			if kind := a.head.Get(manifestField); k.e.Entry != nil && len(kind) > 0 {
				a.done(k.c.latency, k.c.pool, k.c.deps.Now())
				return k.e.Entry(string(kind))
			}
			k.begin(a)
		}
		if err = k.move(a); err == nil {
			a.done(k.c.latency, k.c.pool, k.c.deps.Now())
			return k.status, k.sent
		}
	}
}

// anew asks where there is room for a session that an edge has refused.
func (k *response) anew(a *attempt) (*attempt, error) {
	find := k.e.Anew
	k.e.Anew = nil
	e, ok := find()
	if !ok { // the refusal is the answer
		return a, k.advance(k.r.Context(), a, false)
	}
	a.end()
	e.Viewer, e.Taker, e.Anew = k.e.Viewer, k.e.Taker, nil
	k.e, k.tried, k.asked = e, nil, 0
	b := k.attempt(e.First)
	return b, k.advance(k.r.Context(), b, false)
}

// giveUp is for when nobody can go on.
func (k *response) giveUp(err error) (int, int64) {
	switch {
	case errors.Is(err, errViewer):
		return k.status, k.sent // nobody is there to be told
	case k.begun:
		panic(http.ErrAbortHandler) // visibly broken (LB.view makes it a reset), never silently short
	default:
		status, reason, text := http.StatusServiceUnavailable, wire.ReasonNoEdge, "no edge could answer"
		switch {
		case errors.Is(err, errDeadly):
			status, reason, text = http.StatusBadGateway, wire.ReasonDeadly, "edges died under this request, and no further one is asked"
		case errors.Is(err, errOrigin):
			status, reason, text = http.StatusBadGateway, call.ReasonBroke, "the origin's answer broke off before its first byte, at each edge that was asked"
		case errors.Is(err, errStatus):
			status = http.StatusBadGateway
		}
		call.Refuse(k.w, status, reason, text)
		return status, 0
	}
}

// proves tells whether the rest can only be asked for by giving the whole again.
func (k *response) proves() bool { return k.proof != nil && k.etag == "" }
