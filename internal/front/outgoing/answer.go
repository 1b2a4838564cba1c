package outgoing

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tandem/internal/front/incoming"
	"tandem/internal/front/kernel"
	"tandem/internal/h1"
)

// answerBuffer holds a head and a small body, in bytes; a body that fits needs no
// length said before.
const answerBuffer = 8 << 10

var answerBuffers = sync.Pool{New: func() any { b := make([]byte, 0, answerBuffer); return &b }}

// Begun is how far an answer is when it goes away: the zero value is not at all.
type Begun struct {
	Head bool  // the head is sent
	Left int64 // bytes of the body that were promised and not sent
}

// End is what becomes of a connection that comes back.
type End uint8

const (
	BreakOff End = iota // the answer is not whole
	GoOn
	GoOut // in order, but the last one
)

// Answer is the http.ResponseWriter of a request that is away.
type Answer struct {
	conn    net.Conn
	tcp     *net.TCPConn   // the same; nil: TLS lies between
	in      *incoming.Body // the request's body; nil: it has none
	head    bool           // the request's method is HEAD
	old     bool           // the client speaks HTTP/1.0
	keep    bool
	refused bool // the request, after all: what the Handler says is dropped
	begun   bool // something of the answer is on its way
	header  http.Header

	status  int   // 0: not said yet
	length  int64 // announced, -1: none
	sent    int64 // bytes of the body, those in the buffer included
	chunked bool
	out     bool  // the head is whole, in the buffer or out
	err     error // of the connection

	buffer  *[]byte // what is not written yet
	headEnd int     // in the buffer, until the head is whole: what it lacks comes here
}

// New is for an answer to r; in is its body, nil: it has none. err is the
// connection's, where it has one already.
func New(conn net.Conn, tcp *net.TCPConn, r *http.Request, in *incoming.Body, begun Begun, keep bool, err error) *Answer {
	a := &Answer{
		conn: conn, tcp: tcp, in: in, head: r.Method == http.MethodHead, old: r.ProtoMinor == 0, keep: keep,
		header: http.Header{}, length: -1, err: err, buffer: answerBuffers.Get().(*[]byte),
	}
	if in != nil && in.Asks() {
		in.Ask(a.askForBody)
	}
	if begun.Head {
		a.status, a.out, a.length = http.StatusOK, true, begun.Left
	}
	return a
}

// Run lets serve answer, and says what becomes of the connection; a panic is told to panicked, but
// http.ErrAbortHandler.
func (a *Answer) Run(serve func(http.ResponseWriter, *http.Request), r *http.Request, panicked func(*http.Request, any)) (end End) {
	defer func() {
		*a.buffer = (*a.buffer)[:0]
		answerBuffers.Put(a.buffer)
		a.buffer = nil
		if why := recover(); why != nil {
			end = BreakOff
			if why != http.ErrAbortHandler {
				panicked(r, why)
			}
		}
	}()
	serve(a, r)
	if a.status == 0 && r.Context().Err() != nil {
		return BreakOff // given up, and no empty body: a client that has sent its last may still hear
	}
	a.finish()
	switch {
	case a.err != nil:
		return BreakOff
	case a.keep:
		return GoOn
	default:
		return GoOut
	}
}

// askForBody is RFC 9110 10.1.1. Whoever has been answered need not send it.
func (a *Answer) askForBody() {
	if a.status == 0 {
		a.write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	}
}

// settleBody looks at what became of the request's body when the answer begins, and when
// it ends: a malformed one is refused in place of whatever the Handler says, if nothing of
// that is on its way, and what was not read ends the connection.
func (a *Answer) settleBody() {
	if a.in == nil {
		return
	}
	a.keep = a.in.Ended() && a.keep
	m := a.in.Refused()
	if m == nil {
		return
	}
	a.refused, a.keep, a.status, a.out = true, false, m.Status, true
	a.length, a.sent, a.chunked = 0, 0, false
	*a.buffer = append(AppendRefusal((*a.buffer)[:0], m), "Connection: close\r\n\r\n"...)
	if !a.head {
		*a.buffer = append(append(*a.buffer, m.Why...), '\n')
	}
}

// Header is an http.ResponseWriter's.
func (a *Answer) Header() http.Header { return a.header }

// WriteHeader puts the head into the buffer, but for its end, which says how long
// the body is; what the handler does with its fields later changes nothing.
// Informational ones go out at once.
func (a *Answer) WriteHeader(status int) {
	switch {
	case a.status != 0:
		return
	case status < 100 || status > 999:
		panic(fmt.Sprintf("front: %d is no status", status))
	case status < 200 && status != http.StatusSwitchingProtocols:
		if a.old {
			return // RFC 9110 15.2
		}
		a.write(append(appendFields(AppendStatus(nil, status), a.header, false), "\r\n"...))
		return
	}
	if a.settleBody(); a.refused {
		return
	}
	a.status = status
	if n, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		a.length = n
	}
	if strings.EqualFold(a.header.Get("Connection"), "close") {
		a.keep = false
	}
	b := appendFields(AppendStatus(*a.buffer, status), a.header, a.length >= 0 && status >= 200 && status != http.StatusNoContent)
	if _, said := a.header["Date"]; !said {
		b = append(time.Now().UTC().AppendFormat(append(b, "Date: "...), http.TimeFormat), "\r\n"...)
	}
	if !a.keep {
		b = append(b, "Connection: close\r\n"...)
	}
	*a.buffer, a.headEnd = b, len(b)
}

// bodiless is true for answers whose head is all there is.
func (a *Answer) bodiless() bool {
	return a.head || a.status < 200 || a.status == http.StatusNoContent || a.status == http.StatusNotModified
}

// endHead puts the head's end before the part of the body that waits in the
// buffer; ended tells that this is all of it.
func (a *Answer) endHead(ended bool) {
	if a.out {
		return
	}
	a.out = true
	end := make([]byte, 0, 64)
	waiting := int64(len(*a.buffer) - a.headEnd)
	switch {
	case a.length >= 0 || a.bodiless():
	case a.old && !ended: // up to the connection's end
	case ended:
		a.length = waiting
		end = append(strconv.AppendInt(append(end, "Content-Length: "...), waiting, 10), "\r\n"...)
	default:
		a.chunked = true
		end = append(end, "Transfer-Encoding: chunked\r\n"...)
	}
	end = append(end, "\r\n"...)
	if a.chunked && waiting > 0 {
		end = append(strconv.AppendInt(end, waiting, 16), "\r\n"...)
		*a.buffer = append(*a.buffer, "\r\n"...)
	}
	*a.buffer = slices.Insert(*a.buffer, a.headEnd, end...)
}

// appendFields appends those of the handler's fields that are its to say, the
// length only where there may be one. What is no name is left out.
func appendFields(b []byte, h http.Header, length bool) []byte {
	for name, values := range h {
		switch {
		case name == "Connection", name == "Transfer-Encoding", name == "Content-Length" && !length, !h1.IsToken(name):
			continue
		}
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n") {
				v = strings.NewReplacer("\r", " ", "\n", " ").Replace(v)
			}
			b = append(append(append(append(b, name...), ": "...), v...), "\r\n"...)
		}
	}
	return b
}

// Write is an http.ResponseWriter's. More than was announced is an error.
func (a *Answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if len(b) == 0 || a.refused {
		return len(b), a.err // a chunk of none would be the end
	}
	if a.bodiless() {
		if a.head {
			return len(b), nil
		}
		return 0, http.ErrBodyNotAllowed
	}
	if a.length >= 0 && a.sent+int64(len(b)) > a.length {
		return 0, http.ErrContentLength
	}
	if !a.out && a.length < 0 && len(*a.buffer)-a.headEnd+len(b) <= answerBuffer/2 {
		*a.buffer = append(*a.buffer, b...) // it waits until it is known to be all
		a.sent += int64(len(b))
		return len(b), nil
	}
	a.endHead(false)
	a.sent += int64(len(b))
	if len(*a.buffer)+len(b)+32 <= answerBuffer {
		*a.buffer = a.frame(*a.buffer, b)
		return len(b), a.err
	}
	if a.chunked {
		*a.buffer = append(strconv.AppendInt(*a.buffer, int64(len(b)), 16), "\r\n"...)
		a.flush()
		a.write(b)
		*a.buffer = append(*a.buffer, "\r\n"...)
		return len(b), a.err
	}
	a.flushWith(b)
	return len(b), a.err
}

// frame appends bytes of a body as they stand on the wire.
func (a *Answer) frame(to, b []byte) []byte {
	if !a.chunked {
		return append(to, b...)
	}
	to = append(strconv.AppendInt(to, int64(len(b)), 16), "\r\n"...)
	return append(append(to, b...), "\r\n"...)
}

// Flush sends what there is.
func (a *Answer) Flush() { _ = a.FlushError() }

// FlushError is Flush that says what went wrong, for http.ResponseController.
func (a *Answer) FlushError() error {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	a.endHead(false)
	a.flush()
	return a.err
}

func (a *Answer) flush() {
	if len(*a.buffer) > 0 {
		a.begun = true
		a.write(*a.buffer)
		*a.buffer = (*a.buffer)[:0]
	}
}

// flushWith sends the buffer and b in one call.
func (a *Answer) flushWith(b []byte) {
	if a.err != nil {
		return
	}
	a.begun = true
	if len(*a.buffer) == 0 {
		a.write(b)
		return
	}
	both := net.Buffers{*a.buffer, b}
	_, a.err = both.WriteTo(a.conn)
	*a.buffer = (*a.buffer)[:0]
}

func (a *Answer) write(b []byte) {
	if a.err == nil {
		_, a.err = a.conn.Write(b)
	}
}

// ReadFrom lets a body go from a file or a socket to the client without a copy.
func (a *Answer) ReadFrom(src io.Reader) (int64, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.refused {
		return io.Copy(io.Discard, src)
	}
	a.endHead(false)
	if a.chunked || a.length < 0 || a.bodiless() || a.tcp == nil {
		return io.Copy(struct{ io.Writer }{a}, src)
	}
	x, ok := src.(*kernel.Extent)
	if !ok {
		if a.flush(); a.err != nil {
			return 0, a.err
		}
		left := a.length - a.sent
		if limited, ok := src.(*io.LimitedReader); !ok || limited.N > left {
			src = io.LimitReader(src, left) // what is more would be taken for the next answer
		}
		n, err := a.tcp.ReadFrom(src)
		a.sent += n
		return n, err
	}
	if x.Left > a.length-a.sent {
		return 0, http.ErrContentLength
	}
	if len(*a.buffer) > 0 && a.err == nil {
		a.begun = true
		a.err = kernel.SendMore(a.tcp, *a.buffer)
		*a.buffer = (*a.buffer)[:0]
	}
	if a.err != nil {
		return 0, a.err
	}
	n, err := x.SendTo(a.tcp)
	a.sent += n
	return n, err
}

// finish ends the answer. One that is shorter than announced breaks.
func (a *Answer) finish() {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if !a.begun && !a.refused {
		a.settleBody()
	}
	a.endHead(true)
	if a.chunked {
		*a.buffer = append(*a.buffer, "0\r\n\r\n"...)
	}
	a.flush()
	if a.length >= 0 && a.sent != a.length && !a.bodiless() && !a.refused && a.err == nil {
		a.err = io.ErrShortWrite
	}
}

// SetReadDeadline is for http.ResponseController: it bounds the reading of the body.
func (a *Answer) SetReadDeadline(t time.Time) error {
	if a.in == nil {
		return nil
	}
	return a.in.Limit(t)
}

// SetWriteDeadline bounds every further write.
func (a *Answer) SetWriteDeadline(t time.Time) error { return a.conn.SetWriteDeadline(t) }

var (
	_ http.ResponseWriter = (*Answer)(nil)
	_ http.Flusher        = (*Answer)(nil)
	_ io.ReaderFrom       = (*Answer)(nil)
)
