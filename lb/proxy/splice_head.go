package proxy

import (
	"errors"
	"io"
	"strconv"
	"syscall"

	"tandem/internal/front/kernel"
	"tandem/lb/proxy/silence"
)

// spliceRead is how much of an answer passes through memory at first, in bytes: a
// head and a small body.
const spliceRead = 16 << 10

// arrived is told that the edge has sent something, or nothing more.
func (r *splice) arrived() {
	switch {
	case r.begun:
		if len(r.held) == 0 && r.pipe == nil {
			r.move()
		}
	default:
		r.hearHead()
	}
}

// hearHead reads the beginning of the answer.
func (r *splice) hearHead() {
	n := r.conn
	buffer := r.s.loop.ReadBuffer()[:spliceRead]
	got, err := kernel.Receive(n.FD, buffer)
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		n.Emptied(false)
		return
	case err != nil:
		r.lose(err)
		return
	case got == 0:
		r.lose(io.ErrUnexpectedEOF)
		return
	}
	if got < len(buffer) {
		n.Emptied(false)
	}
	b := buffer[:got]
	y := &r.s.answer
	size, err := y.parse(b)
	if r.ticket != nil && !r.unseal(y, size, got-size, err) {
		return
	}
	if size == 0 || err != nil || !y.ordinary(r.method, got-size) {
		r.handOffWith(b, nil) // a goroutine waits for more, or finds out what is wrong
		return
	}
	now := r.s.loop.Now()
	r.s.waiting.leave(r)
	r.s.c.latency.Learn(n.Edge, silence.FirstByte, now.Sub(r.Since))
	r.reply(y, b[size:])
}

// lose is for a connection that broke before an answer came. An idle one that
// had died unnoticed says nothing of its edge, which is asked again.
func (r *splice) lose(err error) {
	if r.stale(err) {
		err = nil
	}
	r.end()
	r.handOff(err)
}

// reply gives the viewer the head, and what came with it of the body.
func (r *splice) reply(y *answer, body []byte) {
	r.answered, r.closes, r.body = true, y.Close, y.Body(r.method)
	if left := r.body.Left(); int64(len(body)) > left { // what follows can't be trusted
		body, r.closes = body[:left], true
	}
	r.body.Took(int64(len(body)))
	if r.body.Ended() { // nobody has to go on with it
		r.promise = promise{begun: true, status: y.Status}
	} else {
		r.promise = promiseOf(y)
	}
	r.sent = int64(len(body))
	r.eager = true
	out := append(r.viewersHead(r.s.loop.Scratch(), y), body...)
	r.corked = !r.body.Ended() && r.conn.Readable()
	n, err := r.viewer.Send(out, r.corked)
	if err != nil {
		r.viewer.Reset()
		return
	}
	if n < len(out) {
		r.held = append(r.held[:0], out[n:]...)
		r.block()
		return
	}
	r.move()
}

// viewersHead appends the viewer's head, made out of the edge's.
func (r *splice) viewersHead(out []byte, y *answer) []byte {
	out = append(out, "HTTP/1.1 "...)
	out = append(append(strconv.AppendInt(out, int64(y.Status), 10), ' '), y.Reason...)
	out = append(out, crlf...)
	for i := range y.Fields {
		if f := &y.Fields[i]; isViewers(f.Name) {
			out = append(append(append(append(out, f.Name...), ": "...), f.Value...), crlf...)
		}
	}
	if !y.dated { // RFC 9110 6.6.1
		out = r.s.loop.AppendDate(out)
	}
	out = append(append(append(out, viaField...), `Server-Timing: edge;desc="`...), r.conn.Edge...)
	out = append(out, "\"\r\n"...)
	if !r.viewer.Keep() {
		out = append(out, "Connection: close\r\n"...)
	}
	return append(out, crlf...)
}

const (
	crlf     = "\r\n"
	viaField = "Via: 1.1 tandem\r\n"
)
