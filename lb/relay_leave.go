package lb

import (
	"io"
	"net/http"
	"os"
	"time"

	"tandem/internal/front"
)

// errConnect is a connection that was not there in time.
var errConnect = os.NewSyscallError("connect", os.ErrDeadlineExceeded)

// bequest is what a relay leaves to a carriage.
type bequest struct {
	s      *relays
	conn   *upstream // nil: the edge is to be asked anew, or err says why not
	err    error     // why it was left, nil: it is only out of the ordinary
	since  time.Time // when the edge last showed life
	viewer string
	plan   relayPlan

	begun   bool
	head    string // the edge's
	left    int64
	sent    int64
	longest time.Duration
}

// leave gives the response to a carriage, because of err or, when that is nil,
// to be asked for anew.
func (r *relay) leave(err error) { r.leaveWith(nil, err) }

// leaveWith is leave with what the edge has sent and nobody has used.
func (r *relay) leaveWith(received []byte, err error) {
	s := r.s
	since := r.since
	if !r.listed { // it was not waited for
		since = s.loop.Now()
	}
	s.waiting.leave(r)
	var h front.Head
	request, badRequest := (*http.Request)(nil), error(nil)
	if _, badRequest = h.Parse([]byte(r.text), headLimit); badRequest == nil {
		request, badRequest = r.conn.Request(&h)
	}
	if badRequest != nil { // it was parsed before, but for what only a URL's parser finds
		r.conn.Reset()
		return
	}
	b := &bequest{
		s: s, err: err, since: since, viewer: r.viewer(), plan: r.plan,
		begun: r.begun, head: r.head, left: r.left, sent: r.promised - r.left, longest: r.longest,
	}
	switch {
	case r.line == nil:
	case received != nil, err == errMotionless, err == errTrickle:
		b.conn = r.line.upstream(received) // more may come by it
	default:
		r.line.close()
	}
	c := r.conn
	s.put(r)
	c.Away(request, front.Begun{Head: b.begun, Left: b.left}, b.serve)
}

// serve finishes the response.
func (b *bequest) serve(w http.ResponseWriter, r *http.Request) {
	deps := &b.s.deps
	defer deps.broken(r)
	k := b.s.c.carriage(w, r, errand{Target: b.plan.to, Viewer: b.viewer, Pair: b.plan.pair, First: b.plan.first, Next: deps.others(b.plan.partner)})
	a := k.attempt(b.plan.first)
	a.moved = b.since
	if b.conn != nil {
		a.conn, a.heard = b.conn, len(b.conn.buffered()) > 0
		a.live.Store(b.conn)
	}
	err := b.err
	switch {
	case b.begun:
		err = k.takeUp(a, b, err)
	case err == nil:
		err = k.advance(r.Context(), a, false)
	}
	status, sent := k.finish(a, err)
	if status == http.StatusServiceUnavailable {
		deps.forget(r, &b.plan)
	}
	deps.served(status, sent)
}

// takeUp puts a carriage where a relay has left the response.
func (k *carriage) takeUp(a *attempt, b *bequest, err error) error {
	head, badHead := parseHead(b.head)
	if badHead != nil {
		return badHead // translate is stricter, so this is for a mistake of ours
	}
	a.head, a.heard, a.longest = head, true, b.longest
	a.body = newBodyFrame(head, k.r.Method)
	a.body.used(b.sent)
	k.promise(a)
	k.sent = b.sent
	if a.conn == nil && (err == nil || err == errTrickle) { // it could not be handed over: there is nothing to go on with
		err = io.ErrUnexpectedEOF
	}
	return err
}
