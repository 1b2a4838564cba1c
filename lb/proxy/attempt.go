package proxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"tandem/internal/call"
	"tandem/lb/proxy/silence"
	"tandem/lb/proxy/upstream"
)

// attempt is one request to one edge. advance brings it to where its next byte
// lies in the buffer; interrupted by silence it can be taken up again.
type attempt struct {
	exchange // its connection is owned by whoever advances it
	to       upstream.Target
	ask      []byte
	live     atomic.Pointer[upstream.Conn]

	opening *upstream.Dialling // the connection is on its way; nil: it is not

	head  *answer // nil also of one that was handed off
	waits bool    // the edge said that it waits for the origin
	aside bool    // it runs in a goroutine of its own, and must not write to the viewer

	taking      taking
	from        int64     // what the viewer had when it began
	skipped     int64     // bytes that came a second time
	skip        int64     // bytes of the body that the viewer has already
	proof       hash.Hash // of those, where there is no validator
	last, total int64     // what is known of the object with this answer
}

func (k *response) attempt(to upstream.Target) *attempt {
	k.asked++
	k.tried = append(k.tried, to.Edge)
	a := &attempt{to: to, ask: k.request(to), from: k.sent, last: -1, total: -1, exchange: exchange{Silence: silence.Silence{Since: k.c.deps.Now()}}}
	k.e.Taker.join(k, a)
	return a
}

// phase names for people what the edge is waited for.
func (k *response) phase(a *attempt) string {
	switch {
	case a.grows || !a.answered && a.waits:
		return "waiting"
	case k.begun:
		return "body"
	default:
		return "head"
	}
}

// interrupt ends an advance that runs in another goroutine, whose context has
// been cancelled before.
func (a *attempt) interrupt() {
	if u := a.live.Load(); u != nil {
		u.Interrupt()
	}
}

// end closes the connection, also one that is on its way.
func (a *attempt) end() {
	if a.opening != nil {
		a.opening.End()
		a.opening = nil
	}
	a.exchange.end()
}

// advance asks, reads the head, judges it, and waits for the first byte that
// the viewer lacks. errStalled leaves everything as it is. An attempt that
// is untimed is not called silent.
func (k *response) advance(ctx context.Context, a *attempt, untimed bool) error {
	for !a.answered {
		if a.conn == nil {
			if err := k.connect(ctx, a, untimed); err != nil {
				if a.conn != nil && a.stale(err) {
					continue
				}
				return err
			}
		}
		head, n, err := takeHead(a.conn.Buffered())
		a.conn.Use(n)
		switch {
		case err != nil:
			return err
		case head == nil:
			if err := k.await(ctx, a, a.conn.Fill, untimed); err != nil {
				if a.stale(err) {
					continue
				}
				return err
			}
			a.heard = true
		case head.Interim():
			if a.waiting(head, k.c.deps.Now()); a.does == call.Waits || a.does == call.Reading {
				a.waits = true
			}
			k.interim(a, head)
		default:
			a.head, a.answered, a.closes = head, true, head.Close
			if err := k.accept(a); err != nil {
				return err
			}
		}
	}
	return k.reach(ctx, a, untimed)
}

// isWait tells errors of waiting from those of the connection.
func isWait(err error) bool {
	return errors.Is(err, errStalled) || errors.Is(err, upstream.ErrCut) || errors.Is(err, errViewer)
}

// connect finds or opens a connection and sends the request.
func (k *response) connect(ctx context.Context, a *attempt, untimed bool) error {
	if !a.again && a.opening == nil {
		a.conn = k.c.pool.Get(a.to, k.e.Taker.isEager())
	}
	if a.conn == nil {
		if a.opening == nil {
			a.opening = k.c.dialer.Begin(k.r.Context(), a.to, k.e.Taker.isEager())
		}
		limit := k.c.cfg.Connect
		switch {
		case untimed:
			limit = k.c.cfg.Total
		case a.to.TLS:
			limit *= 2 // a handshake of its own
		}
		u, err := opened(ctx, a.opening, limit)
		if isWait(err) {
			return err
		}
		if a.opening = nil; err != nil {
			return err
		}
		a.conn = u
	}
	a.live.Store(a.conn)
	if ctx.Err() != nil { // an interrupt may have come before there was what to interrupt
		return errViewer
	}
	a.Begin(k.c.deps.Now())
	limit := time.Duration(0)
	if len(a.ask) > 8<<10 { // only such a one can fill a fresh socket's queue
		limit = k.c.cfg.FirstByte
	}
	a.said = true
	return a.conn.Write(a.ask, limit)
}

// await waits for more bytes, by one of the connection's ways. Silence counts only while
// the socket is empty: after a slow viewer's pause, or a pause of our own, bytes wait there.
func (k *response) await(ctx context.Context, a *attempt, bytes func(deadline time.Time) error, untimed bool) error {
	limit := k.c.latency.Limit(a.to.Edge, a.waitsFor())
	for {
		again, due := k.c.cfg.Total, false
		now := k.c.deps.Now()
		if !untimed {
			again, due = a.Due(now, limit, a.conn.Silent)
		}
		switch {
		case due && a.conn.Unread():
			a.Begin(now)
			continue
		case due && k.waitsForOrigin(ctx, a):
			a.Begin(k.c.deps.Now())
			continue
		case due:
			return errStalled
		}
		err := bytes(time.Now().Add(again)) // a socket knows the machine's clock alone
		switch {
		case err == nil && !a.answered:
			k.c.latency.Learn(a.to.Edge, silence.FirstByte, k.c.deps.Now().Sub(a.Since))
			a.Begin(k.c.deps.Now())
			return nil
		case err == nil:
			a.Progress(k.c.deps.Now())
			return nil
		case ctx.Err() != nil:
			return errViewer
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case untimed && !a.conn.Unread():
			return errStalled
		}
	}
}

// waitsForOrigin asks an edge whose body stands still whether it has sent all that it has:
// one that says so does not hang, and who is asked beside it would ask the same origin.
func (k *response) waitsForOrigin(ctx context.Context, a *attempt) bool {
	if !a.answered || a.named == "" || k.c.deps.Waits == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, k.c.cfg.Connect)
	defer cancel()
	return k.c.deps.Waits(ctx, a.to.Edge, a.named, k.sent-a.from+a.skipped)
}

// reach skips what the viewer has, and waits for one byte more.
func (k *response) reach(ctx context.Context, a *attempt, untimed bool) error {
	for {
		b, err := a.more()
		switch {
		case err != nil:
			return err
		case a.body.Ended() && a.skip > 0:
			return errLength
		case a.body.Ended() || len(b) > 0 && a.skip == 0:
			return nil
		case len(b) == 0:
			if a.skip > 0 {
				a.conn.Borrow()
			}
			if err := k.await(ctx, a, a.conn.Fill, untimed); err != nil {
				return err
			}
			continue
		}
		b = b[:min(int64(len(b)), a.skip)]
		if a.proof != nil {
			a.proof.Write(b)
		}
		a.use(len(b))
		a.skipped += int64(len(b))
		if a.skip -= int64(len(b)); a.skip == 0 && a.proof != nil {
			if !bytes.Equal(a.proof.Sum(make([]byte, 0, sha256.Size)), k.proof.Sum(make([]byte, 0, sha256.Size))) {
				return errVersion
			}
		}
	}
}

// bodiless is true for answers whose announced length is not sent.
func (k *response) bodiless() bool {
	return k.r.Method == http.MethodHead || k.status == http.StatusNotModified || k.status == http.StatusNoContent
}
