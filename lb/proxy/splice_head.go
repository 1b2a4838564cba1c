package proxy

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"tandem/internal/wire"
)

// spliceRead is how much of an answer passes through memory at first, in bytes: a
// head and a small body.
const spliceRead = 8 << 10

// heard is told that the edge has sent something, or nothing more.
func (r *splice) heard() {
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
	n := r.line
	buffer := r.s.loop.ReadBuffer()[:spliceRead]
	got, err := unix.Read(n.fd, buffer)
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		n.readable = n.ended
		return
	case err != nil:
		r.lose(err)
		return
	case got == 0:
		r.lose(io.ErrUnexpectedEOF)
		return
	}
	if got < len(buffer) {
		n.readable = n.ended
	}
	b := buffer[:got]
	end := bytes.Index(b, headEnd)
	if end < 0 {
		r.handOffWith(b, nil)
		return
	}
	var y edgeAnswer
	out, ok := y.translate(r.s.loop.Scratch(), b[:end])
	body := b[end+len(headEnd):]
	if !ok || !y.ordinary(r.method, len(body)) {
		r.handOffWith(b, nil)
		return
	}
	now := r.s.loop.Now()
	r.s.waiting.leave(r)
	r.s.c.latency.learn(n.edge, firstByte, now.Sub(r.asked))
	r.begin(&y, b[:end], body, out)
}

// lose is for a connection that broke before an answer came. An idle one that
// had died unnoticed says nothing of its edge, which is asked again.
func (r *splice) lose(err error) {
	if r.line.reused {
		r.stale, err = true, nil
	}
	r.hangUp()
	r.handOff(err)
}

// begin gives the viewer the head, and what came with it of the body.
func (r *splice) begin(y *edgeAnswer, head, body, out []byte) {
	r.begun, r.status, r.keep = true, y.status, !y.close
	if y.bodied(r.method) {
		r.promised = y.length
	}
	if int64(len(body)) > r.promised { // what follows can't be trusted
		body, r.keep = body[:r.promised], false
	}
	r.left = r.promised - int64(len(body))
	r.eager = true
	if r.left > 0 {
		r.head = string(head)
	}
	if !y.dated { // RFC 9110 6.6.1
		out = r.s.loop.AppendDate(out)
	}
	out = append(append(append(out, viaField...), `Server-Timing: edge;desc="`...), r.line.edge...)
	out = append(out, "\"\r\n"...)
	if !r.conn.Keep() {
		out = append(out, "Connection: close\r\n"...)
	}
	out = append(append(out, "\r\n"...), body...)
	r.corked = r.left > 0 && r.line.readable
	n, err := r.conn.Send(out, r.corked)
	if err != nil {
		r.conn.Reset()
		return
	}
	if n < len(out) {
		r.held = append(r.held[:0], out[n:]...)
		r.block()
		return
	}
	r.move()
}

const viaField = "Via: 1.1 tandem\r\n"

// edgeAnswer is what a splice has to know of an edge's head.
type edgeAnswer struct {
	status  int
	length  int64  // Content-Length, -1: none
	tagged  bool   // it has a validator
	strong  bool   // which is a strong one
	part    string // Content-Range
	dated   bool
	close   bool
	unusual bool // something that the slower path has to look at
}

// translate makes the viewer's head out of the edge's, up to the last field.
// False: it is no head, or an unusual one; the slower path finds out which.
func (y *edgeAnswer) translate(out, text []byte) ([]byte, bool) {
	y.length = -1
	line, i, ok := plainLine(text, 0)
	if !ok || len(line) < 12 || startsLikeHTTP(line) != nil || len(line) > 12 && line[12] != ' ' {
		return out, false
	}
	status, ok := digits(string(line[9:12]))
	if !ok || status < 200 || status > 599 {
		return out, false
	}
	y.status = int(status)
	out = append(out, line...)
	if len(line) == 12 {
		out = append(out, ' ') // RFC 9112 4: also before a reason that is not there
	}
	out = append(out, crlf...)
	for i < len(text) {
		if line, i, ok = plainLine(text, i); !ok {
			return out, false
		}
		colon := 0
		for colon < len(line) && inToken[line[colon]] {
			colon++
		}
		if colon == 0 || colon == len(line) || line[colon] != ':' {
			return out, false
		}
		if y.passes(line[:colon], trimmed(line[colon+1:])) {
			out = append(append(out, line...), crlf...)
		}
	}
	return out, !y.unusual
}

// plainLine is the line that begins at i, and where the next one does; false when
// it holds control characters.
func plainLine(text []byte, i int) (line []byte, next int, ok bool) {
	begin := i
	for i < len(text) && inValue[text[i]] {
		i++
	}
	if i < len(text) && (text[i] != '\r' || i+1 == len(text) || text[i+1] != '\n') {
		return nil, 0, false
	}
	return text[begin:i], i + len(crlf), true
}

// trimmed is a value without the blanks around it.
func trimmed(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// inToken and inValue are the bytes of a field's name and of its value.
var inToken, inValue = func() (token, value [256]bool) {
	for c := range 256 {
		token[c] = isToken(string([]byte{byte(c)}))
		value[c] = isFieldValue(string([]byte{byte(c)}))
	}
	return token, value
}()

var crlf = []byte("\r\n")

// passes notes what a field says, and tells whether the viewer gets it.
func (y *edgeAnswer) passes(name, value []byte) bool {
	switch {
	case is(name, "content-length"):
		n, ok := digits(string(value))
		y.unusual = y.unusual || !ok || y.length >= 0
		y.length = n
		return true
	case is(name, "etag"):
		y.unusual = y.unusual || y.tagged
		y.tagged = true
		y.strong = len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"'
		return true
	case is(name, "content-range"):
		y.unusual = y.unusual || y.part != ""
		y.part = string(value)
		return true
	case is(name, "date"):
		y.dated = true
		return true
	case is(name, "content-type"), is(name, "content-encoding"):
		return true
	case is(name, "connection"):
		closes := is(value, "close")
		y.close = y.close || closes
		y.unusual = y.unusual || !closes && !is(value, "keep-alive")
		return false
	case is(name, "transfer-encoding"), is(name, "tandem-waiting"):
		y.unusual = true
		return false
	case is(name, reasonField):
		return true
	}
	return !isUnsent(string(name))
}

var reasonField = strings.ToLower(wire.HeaderReason)

// is compares with a text in small letters.
func is(b []byte, small string) bool {
	if len(b) != len(small) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != small[i] {
			return false
		}
	}
	return true
}

// bodied tells whether a body follows.
func (y *edgeAnswer) bodied(method string) bool {
	return method != http.MethodHead && y.status != http.StatusNoContent && y.status != http.StatusNotModified
}

// ordinary tells whether a splice can give the answer, of whose body so many bytes
// are here: one that is whole, or whose rest any holder of the same version has.
func (y *edgeAnswer) ordinary(method string, here int) bool {
	if y.status >= 500 {
		return false
	}
	part, ranged := contentRange(y.part)
	if y.status == http.StatusPartialContent && (!ranged || part.last < 0 || part.last-part.first+1 != y.length) {
		return false
	}
	if !y.bodied(method) {
		return true
	}
	whole := y.length >= 0 && int64(here) >= y.length
	return whole || y.length > 0 && y.strong && (y.status == http.StatusOK || y.status == http.StatusPartialContent)
}
