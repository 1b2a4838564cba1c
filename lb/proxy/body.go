package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// spliceLeast is the shortest rest of a body that is worth a splice, in bytes.
const spliceLeast = 16 << 10

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
		if k.out != nil && a.conn.plain() && a.body.Left() == left && left >= spliceLeast && !k.proves() {
			err = k.splice(a)
		} else {
			err = k.copyMore(a)
		}
		if err != nil {
			return err
		}
	}
}

// give writes bytes that lie in the edge's buffer.
func (k *response) give(a *attempt, b []byte) error {
	n, err := k.w.Write(b)
	if k.proof != nil {
		k.proof.Write(b[:n])
	}
	a.use(n)
	a.got += int64(n)
	k.sent += int64(n)
	if err != nil {
		return errViewer
	}
	return nil
}

// copyMore reads as much as there is.
func (k *response) copyMore(a *attempt) error {
	if a.grows {
		if err := http.NewResponseController(k.w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return errViewer // a player must see a growing segment grow
		}
	}
	if left := a.body.Left(); left < 0 || left > upstreamBuffer {
		a.conn.borrow()
	}
	a.moved = k.c.deps.Now()
	if err := k.await(k.r.Context(), a, false); err != nil {
		return err
	}
	return k.pace(a)
}

// splice moves the rest inside the kernel. A deadline of the edge's socket is
// no verdict: a slow viewer holds the splice up as well. Nothing is lost by it,
// since it only strikes when the pipe between the sockets is empty.
func (k *response) splice(a *attempt) error {
	a.conn.use(len(a.conn.buffered())) // none
	from := io.LimitedReader{R: a.conn.tcp}
	limit := k.c.latency.limit(a.to.Edge, a.waitsFor())
	wait := limit
	for a.body.Left() > 0 {
		begun := k.c.deps.Now()
		deadline := begun.Add(wait)
		if err := a.conn.until(deadline); err != nil {
			return err
		}
		from.N = a.body.Left()
		n, err := k.out.ReadFrom(&from)
		a.body.Took(n)
		k.sent += n
		a.got += n
		switch {
		case a.body.Ended():
			return nil
		case err == nil:
			return io.ErrUnexpectedEOF
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return k.whose(a, err)
		case k.r.Context().Err() != nil || time.Now().Before(deadline): // not our deadline: the viewer's
			return errViewer
		}
		if wait, err = k.still(a, n, begun, limit); err != nil {
			return err
		}
	}
	return nil
}

// still judges a splice that came to its deadline with n bytes moved since
// begun: how long to wait on, or errStalled.
func (k *response) still(a *attempt, n int64, begun time.Time, limit time.Duration) (time.Duration, error) {
	now := k.c.deps.Now()
	if a.conn.unread() { // the viewer is slow, the edge is not
		a.waited, a.got = 0, 0
		return limit, nil
	}
	silent, _ := a.conn.reception()
	switch {
	case n > 0 && silent >= limit:
		// What moved had come before the pause: the edge may just have been let go
		// on by the viewer. One that lives then sends at once, so a quarter of the
		// limit is enough; to wait it all once more made hangs last twice as long.
		silent = limit - limit/4
	case n > 0:
		a.longest = max(a.longest, silent)
	default:
		// Nothing came in this wait; the kernel's clock may go back further, to
		// before the viewer let the edge go on.
		silent = min(silent, max(now.Sub(a.moved), now.Sub(begun)))
	}
	if n > 0 {
		a.moved = now.Add(-silent)
	}
	a.waited += now.Sub(begun)
	if silent >= limit-limit/16 { // a timer's grain
		a.moved = now.Add(-silent)
		return 0, errStalled
	}
	return max(limit-silent, limit/16), k.pace(a)
}

// pace is the lowest speed of an edge that has the whole body: one that lets
// bytes drip is not silent, and as bad. What it was waited for counts alone.
func (k *response) pace(a *attempt) error {
	if a.waited < 3*k.c.cfg.Silence {
		return nil
	}
	slow := float64(a.got) < a.waited.Seconds()*float64(k.c.cfg.Floor)
	a.waited, a.got = 0, 0
	if slow && !a.grows {
		return errSlow
	}
	return nil
}

// whose finds out which side a splice broke at: the edge's connection is dead,
// or else it was the viewer's.
func (k *response) whose(a *attempt, err error) error {
	if errors.Is(err, errCut) {
		return err
	}
	if _, dead := a.conn.reception(); dead {
		return err
	}
	return errViewer
}
