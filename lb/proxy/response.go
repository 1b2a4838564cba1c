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
	dead    []string // edges that died under it
	garbled []string // edges that sent garbage, and are not accused of it yet
	charged bool     // the free takeover was used
	timing  string   // Server-Timing of a takeover before the head

	// What the viewer was promised, from the moment begun is true.
	begun  bool
	status int
	etag   string    // strong; "" when the rest can't be asked for by range
	first  int64     // of the object, the first byte that the viewer gets
	last   int64     // inclusive, -1: not known yet
	total  int64     // of the object, -1: not known yet
	sent   int64     // bytes of the body
	spoken string    // Content-Range as given
	length int64     // Content-Length as given, -1: none
	proof  hash.Hash // of what was sent, where etag is ""
}

func (c *Proxy) response(w http.ResponseWriter, r *http.Request, e Request) *response {
	return &response{c: c, w: w, r: r, e: e, out: spliceTarget(w, r), last: -1, total: -1, length: -1}
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
		if kind := a.head.Get(manifestField); !k.begun && k.e.Entry != nil && len(kind) > 0 {
			k.done(a)
			return k.e.Entry(string(kind))
		}
		if !k.begun {
			k.begin(a)
		}
		if err = k.move(a); err == nil {
			k.done(a)
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
	e.Viewer, e.Anew = k.e.Viewer, nil
	k.e, k.tried, k.asked = e, nil, 0
	b := k.attempt(e.First)
	return b, k.advance(k.r.Context(), b, false)
}

// done keeps the connection if nothing of the answer is left in it.
func (k *response) done(a *attempt) {
	if a.longest > 0 {
		k.c.latency.learn(a.to.Edge, a.waitsFor(), a.longest)
	}
	if a.body.Ended() && !a.head.Close && a.conn != nil {
		k.c.pool.put(a.conn, k.c.deps.Now())
		return
	}
	a.end()
}

// giveUp is for when nobody can go on.
func (k *response) giveUp(err error) (int, int64) {
	switch {
	case errors.Is(err, errViewer):
		return k.status, k.sent // nobody is there to be told
	case k.begun:
		panic(http.ErrAbortHandler) // visibly broken (LB.view makes it a reset), never silently short
	default:
		status := http.StatusServiceUnavailable
		switch {
		case errors.Is(err, errDeadly):
			call.Refuse(k.w, http.StatusBadGateway, wire.ReasonDeadly, "edges died under this request, and no further one is asked")
			return http.StatusBadGateway, 0
		case errors.Is(err, errStatus):
			status = http.StatusBadGateway
		}
		call.Refuse(k.w, status, wire.ReasonNoEdge, "no edge could answer")
		return status, 0
	}
}

// offset is the object's first byte that the viewer lacks.
func (k *response) offset() int64 { return k.first + k.sent }

// left is how many bytes the viewer lacks, -1: not known yet.
func (k *response) left() int64 {
	if k.last < 0 && k.length != 0 {
		return -1
	}
	return k.last + 1 - k.offset()
}

// proves tells whether the rest can only be asked for by giving the whole again.
func (k *response) proves() bool { return k.proof != nil }
