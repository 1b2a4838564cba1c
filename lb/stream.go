package lb

import (
	"net/http"
	"sync"
	"time"
)

// What a client of HTTP/2 does not let a stream send waits here, and not in the kernel,
// where front's pace looks for it: so each part of an answer has its time.
const (
	streamPart  = 16<<10 - 9       // bytes, of which each has its time: with the head of its frame one record of TLS, and so one write
	streamGrace = 10 * time.Second // beside what such a part may take
)

// counted bounds what a client of HTTP/2 asks for at once: each request beside a
// connection's first is one connection more, in all and of that client, as it would be
// by HTTP/1.1, and can hold one to an edge.
func (g *connLimiter) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := clientOf(r)
		if c == nil {
			h.ServeHTTP(w, r)
			return
		}
		defer c.streams.Add(-1)
		if c.streams.Add(1) > 1 {
			place, ok := g.Enter(c.Address)
			defer g.Leave(&place)
			if !ok {
				w.Header().Set("Retry-After", "1")
				http.Error(w, "too many requests at once from this client", http.StatusTooManyRequests)
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// paced resets streams of HTTP/2 whose clients take less than they have to (min-rate): a
// client that leaves its windows closed, and answers pings, would hold a connection to an
// edge for each of them for ever. For how long there is nothing to write is not its fault.
func paced(h http.Handler, minRate int64, grace time.Duration, slow func()) http.Handler {
	if minRate <= 0 {
		return h
	}
	least := grace + time.Duration(streamPart*int64(time.Second)/minRate)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &streamWriter{ResponseWriter: w, limits: http.NewResponseController(w), least: least, slow: slow}
		defer s.close()
		h.ServeHTTP(s, r)
	})
}

// streamWriter gives each part of an answer its time.
type streamWriter struct {
	http.ResponseWriter
	limits *http.ResponseController
	least  time.Duration
	slow   func() // a stream was reset

	mu    sync.Mutex
	timer *time.Timer // guarded by mu; nil: nothing was written yet
	since time.Time   // guarded by mu; the part that is being written began; zero: none is
	over  bool        // guarded by mu
}

// Unwrap is for http.ResponseController.
func (w *streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *streamWriter) Write(b []byte) (n int, err error) {
	for first := true; first || n < len(b) && err == nil; first = false {
		w.begin(time.Now())
		took := 0
		took, err = w.ResponseWriter.Write(b[n:min(len(b), n+streamPart)])
		w.begin(time.Time{})
		n += took
	}
	return n, err
}

// begin is with the time at which a part begins, and with none at its end.
func (w *streamWriter) begin(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.since = now; w.timer == nil {
		w.timer = time.AfterFunc(w.least, w.look)
	}
}

// look resets the stream when a part has had its time.
func (w *streamWriter) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch wait := w.least - time.Since(w.since); {
	case w.over:
	case w.since.IsZero():
		w.timer.Reset(w.least)
	case wait > 0:
		w.timer.Reset(wait)
	default:
		w.slow()
		_ = w.limits.SetWriteDeadline(time.Unix(1, 0))
	}
}

// close is for the handler's end; what the server still has of the answer has its time too.
func (w *streamWriter) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over = true; w.timer != nil {
		w.timer.Stop()
		_ = w.limits.SetWriteDeadline(time.Now().Add(w.least))
	}
}
