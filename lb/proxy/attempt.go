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

	"tandem/internal/h1"
)

// attempt is one request to one edge. advance brings it to where its next byte
// lies in the buffer; interrupted by silence it can be taken up again.
type attempt struct {
	to   Target
	ask  []byte
	conn *upstream // owned by whoever advances it
	live atomic.Pointer[upstream]

	head  *answer
	body  h1.Body
	heard bool // a byte of an answer came
	again bool // an idle connection had died unnoticed: asked again on a new one
	said  bool // the request went out on its connection
	waits bool // the edge said that it waits for the origin
	grows bool // its body is still being filled
	aside bool // it runs in a goroutine of its own, and must not write to the viewer

	from        int64     // what the viewer had when it began
	skipped     int64     // bytes that came a second time
	skip        int64     // bytes of the body that the viewer has already
	proof       hash.Hash // of those, where there is no validator
	last, total int64     // what is known of the object with this answer

	silence
}

func (k *response) attempt(to Target) *attempt {
	k.asked++
	k.tried = append(k.tried, to.Edge)
	return &attempt{to: to, ask: k.request(to), from: k.sent, last: -1, total: -1, silence: silence{since: k.c.deps.Now()}}
}

// waitsFor is what the edge is waited for now.
func (a *attempt) waitsFor() waitKind {
	switch {
	case a.head == nil:
		return firstByte
	case a.grows:
		return growing
	default:
		return nextByte
	}
}

// phase names the same for people.
func (k *response) phase(a *attempt) string {
	switch {
	case a.grows || a.head == nil && a.waits:
		return "waiting"
	case k.begun:
		return "body"
	default:
		return "head"
	}
}

// end closes the attempt's connection.
func (a *attempt) end() {
	if a.conn != nil {
		a.conn.close()
		a.conn = nil
	}
}

// interrupt ends an advance that runs in another goroutine, whose context has
// been cancelled before.
func (a *attempt) interrupt() {
	if u := a.live.Load(); u != nil {
		u.interrupt()
	}
}

// advance asks, reads the head, judges it, and waits for the first byte that
// the viewer lacks. errStalled leaves everything as it is. An attempt that
// is untimed is not called silent.
func (k *response) advance(ctx context.Context, a *attempt, untimed bool) error {
	for a.head == nil {
		if a.conn == nil {
			if err := k.connect(ctx, a); err != nil {
				if a.conn != nil && a.stale(err) {
					continue
				}
				return err
			}
		}
		head, err := takeHead(a.conn)
		switch {
		case err != nil:
			return err
		case head == nil:
			if err := k.await(ctx, a, a.conn.fill, untimed); err != nil {
				if a.stale(err) {
					continue
				}
				return err
			}
			a.heard = true
		case head.Interim():
			a.waits = a.waits || head.waits
			k.interim(a, head)
		default:
			a.head = head
			if err := k.accept(a); err != nil {
				return err
			}
		}
	}
	return k.reach(ctx, a, untimed)
}

// stale is true for an idle connection that turns out to be closed: that says
// nothing of the edge, which is asked again on a new one.
func (a *attempt) stale(err error) bool {
	if !a.conn.reused || a.heard || a.again || isWait(err) {
		return false
	}
	a.again, a.said = true, false
	a.end()
	return true
}

// isWait tells errors of waiting from those of the connection.
func isWait(err error) bool {
	return errors.Is(err, errStalled) || errors.Is(err, errCut) || errors.Is(err, errViewer)
}

// connect finds or opens a connection and sends the request.
func (k *response) connect(ctx context.Context, a *attempt) error {
	if !a.again {
		a.conn = k.c.pool.get(a.to)
	}
	if a.conn == nil {
		u, err := k.c.dial(ctx, a.to)
		if err != nil {
			if ctx.Err() != nil {
				return errViewer
			}
			return err
		}
		a.conn = u
	}
	a.live.Store(a.conn)
	if ctx.Err() != nil { // an interrupt may have come before there was what to interrupt
		return errViewer
	}
	a.begin(k.c.deps.Now())
	long := len(a.ask) > 8<<10 // only such a one can fill a fresh socket's queue
	if long {
		_ = a.conn.tcp.SetWriteDeadline(time.Now().Add(k.c.cfg.FirstByte))
	}
	a.said = true
	if _, err := a.conn.conn.Write(a.ask); err != nil {
		return err
	}
	if long {
		_ = a.conn.tcp.SetWriteDeadline(time.Time{})
	}
	return nil
}

// await waits for more bytes, by one of the connection's ways. Silence counts only while
// the socket is empty: after a slow viewer's pause, or a pause of our own, bytes wait there.
func (k *response) await(ctx context.Context, a *attempt, bytes func(deadline time.Time) error, untimed bool) error {
	limit := k.c.latency.limit(a.to.Edge, a.waitsFor())
	for {
		again, due := k.c.cfg.Total, false
		now := k.c.deps.Now()
		if !untimed {
			again, due = a.due(now, limit, a.conn.silent)
		}
		switch {
		case due && a.conn.unread():
			a.begin(now)
			continue
		case due:
			return errStalled
		}
		err := bytes(now.Add(again))
		switch {
		case err == nil && a.head == nil:
			k.c.latency.learn(a.to.Edge, firstByte, k.c.deps.Now().Sub(a.since))
			a.begin(k.c.deps.Now())
			return nil
		case err == nil:
			a.progress(k.c.deps.Now())
			return nil
		case ctx.Err() != nil:
			return errViewer
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		case untimed && !a.conn.unread():
			return errStalled
		}
	}
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
				a.conn.borrow()
			}
			if err := k.await(ctx, a, a.conn.fill, untimed); err != nil {
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

// more is what lies in the buffer of the body: none when more has to come first, or it
// has ended. The bytes count once they are used.
func (a *attempt) more() ([]byte, error) {
	skip, n, err := a.body.Next(a.conn.buffered())
	if err != nil {
		return nil, errGarbage
	}
	a.conn.use(skip)
	return a.conn.buffered()[:n], nil
}

// use takes n bytes of the body out of the buffer.
func (a *attempt) use(n int) {
	a.conn.use(n)
	a.body.Took(int64(n))
}

// bodiless is true for answers whose announced length is not sent.
func (k *response) bodiless() bool {
	return k.r.Method == http.MethodHead || k.status == http.StatusNotModified || k.status == http.StatusNoContent
}
