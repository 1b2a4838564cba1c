package proxy

import (
	"io"
	"net/http"
	"os"

	"tandem/internal/front"
	"tandem/internal/h1"
)

// errConnect is a connection that was not there in time.
var errConnect = os.NewSyscallError("connect", os.ErrDeadlineExceeded)

// handoff is what a splice leaves to a goroutine: its state as it is, and why.
type handoff struct {
	promise
	exchange // without a connection the edge is to be asked anew, or err says why not

	s       *Splicer
	err     error // nil: it is only out of the ordinary
	address string
	taker   *Taker // nil: unknown
	plan    LoopRequest
}

// handOff gives the response to a goroutine, because of err or, when that is nil,
// to be asked for anew.
func (r *splice) handOff(err error) { r.handOffWith(nil, err) }

// handOffWith is handOff with what the edge has sent and nobody has used.
func (r *splice) handOffWith(received []byte, err error) {
	s := r.s
	if r.ticket != nil {
		received, err = r.unsealed(err)
	}
	if !r.listed { // it was not waited for
		r.Begin(s.loop.Now())
	}
	s.waiting.leave(r)
	var h h1.Request
	request, badRequest := (*http.Request)(nil), error(nil)
	if _, badRequest = h.Parse([]byte(r.text), h1.Behind); badRequest == nil {
		request, badRequest = r.viewer.Request(&h)
	}
	if badRequest != nil { // it was parsed before, but for what only a URL's parser finds
		r.viewer.Reset()
		return
	}
	r.heard = r.answered || received != nil
	switch goesOn := received != nil || err == errStalled || err == errSlow; {
	case !goesOn:
		r.end()
	case r.conn.Leave(received) != nil: // it is closed
		r.conn = nil
	}
	b := &handoff{promise: r.promise, exchange: r.exchange, s: s, err: err, address: s.deps.Viewer(r.viewer), taker: r.taker, plan: r.plan}
	viewer := r.viewer
	s.put(r)
	viewer.Away(request, front.Begun{Head: b.begun, Left: b.body.Left()}, b.serve)
}

// serve finishes the response.
func (b *handoff) serve(w http.ResponseWriter, r *http.Request) {
	deps := &b.s.deps
	defer deps.Broken(r)
	k := b.s.c.response(w, r, Request{
		Target: b.plan.Target, Viewer: b.address, Taker: b.taker, Pair: b.plan.Pair, First: b.plan.First, Next: deps.Others(b.plan.Partner), Anew: deps.Anew(r, &b.plan),
	})
	defer k.e.Taker.leave(k)
	a := k.attempt(b.plan.First)
	a.exchange = b.exchange
	a.live.Store(b.conn)
	err := b.err
	switch {
	case b.begun:
		k.promise = b.promise
		if b.conn == nil && (err == nil || err == errSlow) { // it could not be handed over: there is nothing to go on with
			err = io.ErrUnexpectedEOF
		}
	case err == nil:
		err = k.advance(r.Context(), a, false)
	}
	status, sent := k.finish(a, err)
	if status == http.StatusServiceUnavailable {
		deps.Forget(r, &b.plan)
	}
	deps.Served(status, sent)
}
