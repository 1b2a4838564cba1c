package proxy

import (
	"errors"
	"io"
	"net/http"
	"time"

	"tandem/lb/proxy/upstream"
)

// spliceTo is a ResponseWriter that hands a *net.TCPConn in an
// *io.LimitedReader on to the viewer's connection: net/http's own over plain
// HTTP/1.1, which becomes splice(2).
type spliceTo = io.ReaderFrom

func spliceTarget(w http.ResponseWriter, r *http.Request) spliceTo {
	if r.TLS != nil || r.ProtoMajor != 1 {
		return nil
	}
	out, _ := w.(io.ReaderFrom)
	return out
}

// move gives the viewer the answer's body up to its end. errViewer means that
// the viewer takes no more; every other error is the edge's.
func (k *response) move(a *attempt) error {
	if k.bodiless() {
		return nil
	}
	a.taking = taking{since: k.c.deps.Now(), had: k.sent}
	for {
		b, err := a.more()
		left := k.left()
		switch {
		case err != nil:
			return err
		case left == 0 && k.last >= 0:
			return nil
		case a.body.Ended():
			if left > 0 {
				return errLength
			}
			return nil
		case len(b) > 0:
			if left >= 0 && int64(len(b)) > left {
				b = b[:left]
			}
			if err := k.give(a, b); err != nil {
				return err
			}
			continue
		}
		if err := k.receive(a, left); err != nil {
			return err
		}
	}
}

// receive waits for more of the body. What can't be spliced comes into the buffer.
func (k *response) receive(a *attempt, left int64) error {
	if a.Slow(&k.c.limits) && !a.grows {
		return errSlow
	}
	splices := k.out != nil && a.conn.Plain() && a.body.Left() == left && left >= spliceWorth && k.proof == nil
	if a.grows || splices {
		if err := http.NewResponseController(k.w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return errViewer // a player must see a growing segment grow
		}
	}
	bytes := a.conn.Fill
	switch {
	case splices:
		bytes = a.conn.Arrive
	case a.conn.Wide() && (a.body.Left() < 0 || a.body.Left() > upstream.Buffer):
		a.conn.Borrow()
	}
	a.Begin(k.c.deps.Now())
	err := k.await(k.r.Context(), a, bytes, false)
	if err == nil && splices {
		err = k.splice(a)
	}
	return err
}

// give writes bytes that lie in the edge's buffer.
func (k *response) give(a *attempt, b []byte) error {
	n, err := k.w.Write(b)
	if k.proof != nil {
		k.proof.Write(b[:n])
	}
	a.use(n)
	a.Got += int64(n)
	k.sent += int64(n)
	k.paused(a)
	if err != nil {
		return errViewer
	}
	k.took(a)
	return nil
}

// splice moves what has come, inside the kernel; the little that is not worth it comes
// into the buffer. So it only waits for the viewer.
func (k *response) splice(a *attempt) error {
	n := int64(a.conn.Came())
	if n < spliceWorth {
		return a.conn.Fill(time.Time{})
	}
	if err := a.conn.Until(time.Time{}); err != nil {
		return err
	}
	moved, err := k.out.ReadFrom(&io.LimitedReader{R: a.conn.TCP(), N: min(n, a.body.Left())})
	a.body.Took(moved)
	k.sent += moved
	a.Got += moved
	k.paused(a)
	if err != nil {
		return k.whose(a, err)
	}
	k.took(a)
	return nil
}

// paused is after a write: was it the viewer who held the edge up?
func (k *response) paused(a *attempt) {
	if k.c.deps.Now().Sub(a.Since) > k.c.latency.Limit(a.to.Edge, a.waitsFor())/4 {
		a.Hold()
	}
}

// whose finds out which side a splice broke at: the edge's connection is dead,
// or else it was the viewer's.
func (k *response) whose(a *attempt, err error) error {
	if errors.Is(err, upstream.ErrCut) {
		return err
	}
	if _, dead := a.conn.Reception(); dead {
		return err
	}
	return errViewer
}
