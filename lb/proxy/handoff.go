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

// handoff is what a splice leaves to a goroutine.
type handoff struct {
	s      *Splicer
	conn   *upstream // nil: the edge is to be asked anew, or err says why not
	err    error     // why it was left, nil: it is only out of the ordinary
	said   bool      // the edge was asked
	again  bool      // on an idle connection that had died unnoticed
	viewer string
	plan   LoopRequest

	begun bool
	head  string // the edge's
	left  int64
	sent  int64
	silence
}

// handOff gives the response to a goroutine, because of err or, when that is nil,
// to be asked for anew.
func (r *splice) handOff(err error) { r.handOffWith(nil, err) }

// handOffWith is handOff with what the edge has sent and nobody has used.
func (r *splice) handOffWith(received []byte, err error) {
	s := r.s
	if !r.listed { // it was not waited for
		r.begin(s.loop.Now())
	}
	s.waiting.leave(r)
	var h h1.Request
	request, badRequest := (*http.Request)(nil), error(nil)
	if _, badRequest = h.Parse([]byte(r.text), h1.Behind); badRequest == nil {
		request, badRequest = r.conn.Request(&h)
	}
	if badRequest != nil { // it was parsed before, but for what only a URL's parser finds
		r.conn.Reset()
		return
	}
	b := &handoff{
		s: s, err: err, said: !r.asked.IsZero(), again: r.stale, viewer: r.s.deps.Viewer(r.conn), plan: r.plan,
		begun: r.begun, head: r.head, left: r.left, sent: r.promised - r.left, silence: r.silence,
	}
	switch {
	case r.upstream == nil:
	case received != nil, err == errStalled, err == errSlow: // more may come by it
		if r.upstream.leave(received) == nil {
			b.conn = r.upstream
		}
	default:
		r.upstream.close()
	}
	c := r.conn
	s.put(r)
	c.Away(request, front.Begun{Head: b.begun, Left: b.left}, b.serve)
}

// serve finishes the response.
func (b *handoff) serve(w http.ResponseWriter, r *http.Request) {
	deps := &b.s.deps
	defer deps.Broken(r)
	k := b.s.c.response(w, r, Request{
		Target: b.plan.Target, Viewer: b.viewer, Pair: b.plan.Pair, First: b.plan.First, Next: deps.Others(b.plan.Partner), Anew: deps.Anew(r, &b.plan),
	})
	a := k.attempt(b.plan.First)
	a.silence, a.again = b.silence, b.again
	a.said = b.said && (b.err != nil || b.conn != nil)
	if b.conn != nil {
		a.conn, a.heard = b.conn, len(b.conn.buffered()) > 0
		a.live.Store(b.conn)
	}
	err := b.err
	switch {
	case b.begun:
		err = k.resume(a, b, err)
	case err == nil:
		err = k.advance(r.Context(), a, false)
	}
	status, sent := k.finish(a, err)
	if status == http.StatusServiceUnavailable {
		deps.Forget(r, &b.plan)
	}
	deps.Served(status, sent)
}

// resume puts a response where a splice has left it.
func (k *response) resume(a *attempt, b *handoff, err error) error {
	a.head, a.heard = new(answer), true
	if n, badHead := a.head.parse([]byte(b.head)); n == 0 || badHead != nil {
		return errGarbage // it was read before, so this is for a mistake of ours
	}
	a.body = a.head.Body(k.r.Method)
	a.body.Took(b.sent)
	k.promise(a)
	k.sent = b.sent
	if a.conn == nil && (err == nil || err == errSlow) { // it could not be handed over: there is nothing to go on with
		err = io.ErrUnexpectedEOF
	}
	return err
}
