package streams

import (
	"context"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// stream is one request and its answer. All is guarded by conn.mu.
type stream struct {
	c       *conn
	id      uint32
	stop    context.CancelFunc // its request's
	changed sync.Cond          // a window, the body, or err

	err    error // why nothing goes out any more
	window int64 // bytes of the answer's body that the client takes
	headed bool  // its head is out
	sent   bool  // its END_STREAM
	pace   pace

	recv     window // bytes of the request's body that the client may send
	body     []byte // of it, not read yet
	length   int64  // of it that was announced and has not come; -1: nothing was
	ended    bool   // it has come whole
	discards bool   // nobody reads it any more
	reading  deadline
	writing  deadline
}

// deadline is a time after which something waits no more.
type deadline struct {
	timer *time.Timer
	past  bool
}

// set is for who holds mu; then is called without.
func (d *deadline) set(c *conn, at time.Time, then func()) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.past = false
	if at.IsZero() {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(max(0, time.Until(at)), func() {
		c.mu.Lock()
		mine := d.timer == timer
		d.past = d.past || mine
		c.mu.Unlock()
		if mine {
			then()
		}
	})
	d.timer = timer
}

// close ends the stream without a word. It is for who holds mu, as all here.
func (st *stream) close(err error) {
	if st.err == nil {
		st.err = err
		st.stop()
		st.changed.Broadcast()
	}
}

// reset ends the stream, and says so.
func (st *stream) reset(code http2.ErrCode, err error) {
	if st.err != nil {
		return
	}
	st.close(err)
	st.c.resetFrame(st.id, code)
}

// resetFrame is the one frame that a client can have made for each of its own: who makes
// too many is not read meanwhile.
func (c *conn) resetFrame(id uint32, code http2.ErrCode) {
	c.await()
	c.out = append32(appendFrame(c.pending(), http2.FrameRSTStream, 0, id, 4), uint32(code))
	c.flush()
}

// late is a write that took too long.
func (st *stream) late() {
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	st.reset(http2.ErrCodeInternal, os.ErrDeadlineExceeded)
}

// send gives a part of the answer, after its head if there is one, and waits for the
// client's windows, and until it is written or will be. It takes mu.
func (st *stream) send(head, b []byte, end bool) error {
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	st.pace.begin()
	defer st.pace.end()
	if head != nil {
		if c.await(); st.err != nil {
			return st.err
		}
		st.head(head, end && len(b) == 0)
		if len(b) == 0 {
			c.flush()
			return st.err
		}
	}
	for {
		c.await()
		if st.err != nil {
			return st.err
		}
		room := int(max(0, min(st.window, c.window))) // a window can be less than nothing
		if room <= 0 && len(b) > 0 {
			if len(c.out) == 0 || c.writing {
				st.changed.Wait()
			}
			c.flush() // mu is given up meanwhile, and the windows are looked at again
			continue
		}
		n := min(len(b), room, dataMost, c.largest, max(1, c.most-len(c.out)))
		st.window, c.window = st.window-int64(n), c.window-int64(n)
		last := end && n == len(b)
		var flags http2.Flags
		if last {
			flags = http2.FlagDataEndStream
		}
		c.out = append(appendFrame(c.pending(), http2.FrameData, flags, st.id, n), b[:n]...)
		b = b[n:]
		st.sent = st.sent || last
		st.pace.goes(n)
		if len(b) == 0 || len(c.out) >= c.most {
			c.flush()
		}
		if len(b) == 0 {
			return st.err
		}
	}
}

// head appends the frames of a head.
func (st *stream) head(block []byte, end bool) {
	c, kind := st.c, http2.FrameHeaders
	st.headed = true
	var flags http2.Flags
	if end {
		flags, st.sent = http2.FlagHeadersEndStream, true
	}
	if c.resized {
		c.resized = false
		block = append([]byte{noTable}, block...)
	}
	for first := true; first || len(block) > 0; first = false {
		part := block[:min(len(block), c.largest)]
		if block = block[len(part):]; len(block) == 0 {
			flags |= http2.FlagHeadersEndHeaders
		}
		c.out = append(appendFrame(c.pending(), kind, flags, st.id, len(part)), part...)
		kind, flags = http2.FrameContinuation, 0
	}
}

// over is for the handler's end: the stream is nobody's any more. It takes mu.
func (st *stream) over() {
	c := st.c
	c.mu.Lock()
	st.discards = true
	if st.err == nil && !st.sent { // it can't be: the answer was finished, or reset
		st.reset(http2.ErrCodeInternal, errGone)
	}
	if st.err == nil && !st.ended {
		st.reset(http2.ErrCodeNo, errGone) // RFC 9113 section 8.1: the rest of the request is not wanted
	}
	st.close(errGone)
	st.reading.set(c, time.Time{}, nil)
	st.writing.set(c, time.Time{}, nil)
	c.credit(len(st.body))
	st.body = nil
	delete(c.streams, st.id)
	c.watch.rests(len(c.streams))
	closes := c.final && c.settle()
	c.mu.Unlock()
	if closes {
		c.close()
	}
}

// window is what the other side may send, in bytes.
type window struct{ left, owed int64 }

// took notes bytes that have come; false: more than may.
func (w *window) took(n int) bool {
	w.left -= int64(n)
	return w.left >= 0
}

// gives makes room for so many; how much of it is to be told now, not in crumbs.
func (w *window) gives(n int) (tell uint32) {
	if w.owed += int64(n); w.owed < firstWindow/2 {
		return 0
	}
	tell = uint32(w.owed)
	w.left, w.owed = w.left+w.owed, 0
	return tell
}

// credit lets the client send as many bytes more on the connection.
func (c *conn) credit(n int) { c.tellWindow(0, c.recv.gives(n)) }

func (c *conn) tellWindow(id, n uint32) {
	if n > 0 && c.err == nil {
		c.out = append32(appendFrame(c.pending(), http2.FrameWindowUpdate, 0, id, 4), n)
		c.flush()
	}
}

// body is the request's.
type body struct {
	st   *stream
	asks bool // the client waits until it is wanted (RFC 9110 section 10.1.1)
}

// Read is an io.Reader's.
func (b *body) Read(p []byte) (int, error) {
	st := b.st
	c := st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.asks && st.err == nil && len(st.body) == 0 && !st.ended && !st.headed {
		st.head(appendStatus(nil, http.StatusContinue), false)
		st.headed = false
		c.flush()
	}
	b.asks = false
	for {
		switch {
		case st.discards:
			return 0, http.ErrBodyReadAfterClose
		case len(st.body) > 0:
			n := copy(p, st.body)
			if st.body = st.body[n:]; len(st.body) == 0 {
				st.body = nil
			}
			c.meter.Body(n) // what nobody reads asks for nothing
			c.credit(n)
			if !st.ended {
				c.tellWindow(st.id, st.recv.gives(n))
			}
			return n, nil
		case st.ended:
			return 0, io.EOF
		case st.err != nil:
			return 0, st.err
		case st.reading.past:
			return 0, os.ErrDeadlineExceeded
		}
		st.changed.Wait()
	}
}

// Close is an io.Closer's: what is not read then is not wanted.
func (b *body) Close() error {
	c := b.st.c
	c.mu.Lock()
	defer c.mu.Unlock()
	b.st.discards = true
	b.st.changed.Broadcast()
	c.credit(len(b.st.body))
	b.st.body = nil
	return nil
}
