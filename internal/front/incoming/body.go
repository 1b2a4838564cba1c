package incoming

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/h1"
)

const (
	bodyBuffer = 16 << 10 // bytes that are read at once where the Handler wants less

	// Grace is for how long nothing may come, or too little, as a rule.
	Grace = 10 * time.Second
)

// errSlow is for a body that does not arrive in time.
var errSlow = &h1.Malformed{Status: 408, Why: "the request's body did not arrive in time"}

// Body is the body of a request, as its Handler reads it.
type Body struct {
	conn net.Conn
	rate int64         // bytes a second that have to come; 0: any
	wait time.Duration // for which nothing may come, or too little
	ask  func()        // nil, or what makes a client send that waits to be asked (RFC 9110 10.1.1)

	mu     sync.Mutex // a Handler may read in another goroutine than it answers in
	frame  h1.Body
	held   []byte // received and not used
	taken  int64  // bytes of the body, framing included
	waited time.Duration
	err    error // that ended it

	until atomic.Int64 // the Handler's own deadline, in nanoseconds since 1970; 0: none
}

// New is for a body of which so much was received. Of rate bytes a second it may come late by
// wait; 0: by any.
func New(frame h1.Body, held []byte, rate int64, wait time.Duration) *Body {
	return &Body{frame: frame, held: held, rate: rate, wait: wait}
}

// From says where the rest comes from, before anything is read; an error: from nowhere.
func (in *Body) From(conn net.Conn, err error) { in.conn, in.err = conn, err }

// Ask says what makes a client send that waits to be asked.
func (in *Body) Ask(ask func()) { in.ask = ask }

// Asks tells whether there is such a thing.
func (in *Body) Asks() bool { return in.ask != nil }

// Read gives bytes of the body.
func (in *Body) Read(p []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.err == nil {
		skip, n, err := in.frame.Next(in.held)
		in.held = in.held[skip:]
		switch {
		case err != nil:
			in.err = err
		case n > 0 && len(p) == 0:
			return 0, nil
		case n > 0:
			n = copy(p, in.held[:n])
			in.held = in.held[n:]
			in.frame.Took(int64(n))
			return n, nil
		case in.frame.Ended():
			return 0, io.EOF
		default:
			if n := in.receive(p); n > 0 {
				return n, nil
			}
		}
	}
	return 0, in.err
}

// receive waits for more: into p where only bytes of the body follow and there is
// room for many, then it tells how many.
func (in *Body) receive(p []byte) int {
	if in.ask != nil {
		in.ask()
		in.ask = nil
	}
	if run := in.frame.Run(); run > 0 && len(in.held) == 0 && len(p) >= bodyBuffer/4 {
		n := in.fill(p[:min(int64(len(p)), run)])
		in.frame.Took(int64(n))
		return n
	}
	room := make([]byte, len(in.held)+bodyBuffer)
	held := copy(room, in.held)
	in.held = room[:held+in.fill(room[held:])]
	return 0
}

// fill reads once. A client that is slower than it may be is not waited for: only the
// time counts in which it was waited for.
func (in *Body) fill(p []byte) int {
	begun := time.Now()
	limit := begun.Add(in.wait)
	if in.rate > 0 {
		earned := time.Duration(float64(in.taken) / float64(in.rate) * float64(time.Second))
		limit = begun.Add(min(in.wait, in.wait+earned-in.waited))
	}
	until := time.Unix(0, in.until.Load())
	own := until.Unix() > 0 && until.Before(limit)
	if own {
		limit = until
	}
	if in.err = in.conn.SetReadDeadline(limit); in.err != nil {
		return 0
	}
	n, err := in.conn.Read(p)
	in.waited += time.Since(begun)
	in.taken += int64(n)
	switch {
	case n > 0:
	case errors.Is(err, os.ErrDeadlineExceeded) && !own:
		in.err = errSlow
	case errors.Is(err, io.EOF):
		in.err = io.ErrUnexpectedEOF
	default:
		in.err = err
	}
	return n
}

// Close is an io.Closer's: what the Handler does not read is not taken for a request.
func (in *Body) Close() error { return nil }

// Ended tells whether all of the body was read.
func (in *Body) Ended() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	skip, _, err := in.frame.Next(in.held)
	in.held = in.held[skip:]
	if err != nil {
		in.err = err
	}
	return in.err == nil && in.frame.Ended()
}

// Refused is why the request is to be refused after all; nil: it is not.
func (in *Body) Refused() *h1.Malformed {
	in.mu.Lock()
	defer in.mu.Unlock()
	m, _ := in.err.(*h1.Malformed)
	return m
}

// Rest is what was received behind the body. Nothing can be read any more.
func (in *Body) Rest() []byte {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = os.ErrClosed
	}
	return in.held
}

// Limit is for http.ResponseController.
func (in *Body) Limit(t time.Time) error {
	in.until.Store(max(t.UnixNano(), 0))
	return in.conn.SetReadDeadline(t) // of a read that waits already
}

var _ io.ReadCloser = (*Body)(nil)
