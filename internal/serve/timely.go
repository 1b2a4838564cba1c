package serve

import (
	"net/http"
	"time"
)

// How long the body of an operator's request may take to come, and a part of an answer,
// which is what a handler writes at once, to be taken.
const (
	orderTime = 30 * time.Second
	takeTime  = 30 * time.Second
)

// timely bounds how long bodies take to come, whether they are read or only passed
// over behind an answer, and how long clients take for what is written to them. It does not
// bound how long an answer takes: http.Server's ReadTimeout and WriteTimeout would end
// streams of events.
func timely(next http.Handler, come, take time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limits := http.NewResponseController(w)
		if r.Body != nil && r.Body != http.NoBody {
			_ = limits.SetReadDeadline(time.Now().Add(come)) // net/http lifts it at the body's end
		}
		t := &taken{ResponseWriter: w, limits: limits, take: take}
		t.lift() // that of a request before
		defer t.limit()
		next.ServeHTTP(t, r)
	})
}

// taken is an answer each part of which has its time.
type taken struct {
	http.ResponseWriter
	limits *http.ResponseController
	take   time.Duration
	own    bool // the handler bounds it itself
}

// SetWriteDeadline is for http.ResponseController.
func (t *taken) SetWriteDeadline(at time.Time) error {
	t.own = true
	return t.limits.SetWriteDeadline(at)
}

// limit and lift stand around what is written: HTTP/2 resets a stream whose deadline has
// passed while there was nothing to write.
func (t *taken) limit() { _ = t.limits.SetWriteDeadline(time.Now().Add(t.take)) }
func (t *taken) lift()  { _ = t.limits.SetWriteDeadline(time.Time{}) }

// Unwrap is for http.ResponseController.
func (t *taken) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Write is an http.ResponseWriter's.
func (t *taken) Write(b []byte) (int, error) {
	if !t.own {
		t.limit()
		defer t.lift()
	}
	return t.ResponseWriter.Write(b)
}

// FlushError is for http.ResponseController.
func (t *taken) FlushError() error {
	if !t.own {
		t.limit()
		defer t.lift()
	}
	return t.limits.Flush()
}

// Flush is an http.Flusher's.
func (t *taken) Flush() { _ = t.FlushError() }
