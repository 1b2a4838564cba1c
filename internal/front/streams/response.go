package streams

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// waits is how much of a body waits for more of it, in bytes: one that fits needs no
// length said before.
const waits = 4 << 10

var responseBuffers = sync.Pool{New: func() any { b := make([]byte, 0, waits); return &b }}

// What an answer's head has at most, as a rule.
const (
	typicalHead   = 640 // bytes
	typicalFields = 16
)

// response is a stream's http.ResponseWriter.
type response struct {
	st     *stream
	head   bool // the request's method is HEAD
	header http.Header

	status int   // 0: not said yet
	length int64 // announced; -1: none
	taken  int64 // bytes of the body, those that wait included
	block  []byte
	out    bool    // the head is out
	ended  bool    // all is
	buffer *[]byte // of the body, what waits; nil: nothing does
	err    error
}

func newResponse(st *stream, r *http.Request) *response {
	return &response{st: st, head: r.Method == http.MethodHead, header: make(http.Header, typicalFields), length: -1}
}

// Header is an http.ResponseWriter's.
func (w *response) Header() http.Header { return w.header }

// WriteHeader is an http.ResponseWriter's. Informational heads go out at once; the others
// with what follows.
func (w *response) WriteHeader(status int) {
	switch {
	case w.status != 0:
		return
	case status < 100 || status > 999 || status == http.StatusSwitchingProtocols:
		panic(fmt.Sprintf("streams: %d is no status of an answer", status))
	case status < 200:
		w.interim(status)
		return
	}
	w.status = status
	if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		w.length = n
	}
	if strings.EqualFold(w.header.Get("Connection"), "close") {
		w.st.c.leave()
	}
	w.block = appendHead(make([]byte, 0, typicalHead), status, w.header, w.announced())
}

func (w *response) interim(status int) {
	c := w.st.c
	block := appendHead(nil, status, w.header, -1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.await(); w.st.err == nil {
		w.st.head(block, false)
		c.flush()
	}
}

// announced is the length as the head says it; -1: not, or not yet.
func (w *response) announced() int64 {
	if w.status == http.StatusNoContent {
		return -1
	}
	return w.length
}

// bodiless is true for answers whose head is all there is.
func (w *response) bodiless() bool {
	return w.head || w.status == http.StatusNoContent || w.status == http.StatusNotModified
}

// Write is an http.ResponseWriter's. More than was announced is an error.
func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.err != nil:
		return 0, w.err
	case len(b) == 0:
		return 0, nil
	case w.head:
		return len(b), nil
	case w.bodiless():
		return 0, http.ErrBodyNotAllowed
	case w.length >= 0 && w.taken+int64(len(b)) > w.length:
		return 0, http.ErrContentLength
	}
	w.taken += int64(len(b))
	ends := w.taken == w.length
	waiting := 0
	if w.buffer != nil {
		waiting = len(*w.buffer)
	}
	if !ends && waiting+len(b) <= waits {
		if w.buffer == nil {
			w.buffer = responseBuffers.Get().(*[]byte)
		}
		*w.buffer = append(*w.buffer, b...)
		return len(b), nil
	}
	if waiting > 0 {
		if waiting+len(b) <= waits {
			*w.buffer = append(*w.buffer, b...)
			return len(b), w.flush(ends)
		}
		if w.flush(false); w.err != nil {
			return 0, w.err
		}
	}
	return len(b), w.send(b, ends)
}

func (w *response) send(b []byte, end bool) error {
	head := w.block
	if w.out {
		head = nil
	}
	w.out, w.block, w.ended = true, nil, w.ended || end
	if w.err == nil {
		w.err = w.st.send(head, b, end)
	}
	return w.err
}

// flush sends what waits.
func (w *response) flush(end bool) error {
	if w.buffer == nil {
		return w.send(nil, end)
	}
	err := w.send(*w.buffer, end)
	*w.buffer = (*w.buffer)[:0]
	return err
}

// Flush is an http.Flusher's.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is an http.ResponseController's.
func (w *response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.ended || w.bodiless() || w.out && (w.buffer == nil || len(*w.buffer) == 0) {
		return w.err // a head that is all goes out with its end
	}
	return w.flush(false)
}

// over ends the stream, and gives back what it has. What is not whole is broken off.
func (w *response) over() {
	if w.buffer != nil {
		*w.buffer = (*w.buffer)[:0]
		responseBuffers.Put(w.buffer)
		w.buffer = nil
	}
	w.st.over()
}

// finish is for the handler's end. What is shorter than announced is broken off.
func (w *response) finish() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.ended || w.err != nil:
	case w.bodiless():
		_ = w.send(nil, true)
	case w.length >= 0 && w.taken != w.length:
		w.err = io.ErrShortWrite
	default:
		if !w.out && w.length < 0 { // all of it waits here
			w.length = w.taken
			w.block = appendLength(w.block, w.length)
		}
		_ = w.flush(true)
	}
}

// SetReadDeadline is an http.ResponseController's: it bounds the reading of the body.
func (w *response) SetReadDeadline(t time.Time) error {
	st := w.st
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	st.reading.set(st.c, t, func() {
		st.c.mu.Lock()
		defer st.c.mu.Unlock()
		st.changed.Broadcast()
	})
	return nil
}

// SetWriteDeadline is an http.ResponseController's: what is not written by then resets the
// stream.
func (w *response) SetWriteDeadline(t time.Time) error {
	st := w.st
	st.c.mu.Lock()
	defer st.c.mu.Unlock()
	st.writing.set(st.c, t, st.late)
	return nil
}

var (
	_ http.Flusher        = (*response)(nil)
	_ http.ResponseWriter = (*response)(nil)
)
