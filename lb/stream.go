package lb

import (
	"net/http"
	"time"
)

// What a client of HTTP/2 does not let a stream send waits here, and not in the kernel,
// where front's pace looks for it: so each part of an answer has its time.
const (
	streamPart  = 16 << 10         // bytes, of which each has its time
	streamGrace = 10 * time.Second // beside what such a part may take
	streamRenew = time.Second      // so seldom the server is told of a new end
)

// paced resets streams of HTTP/2 whose clients take less than they have to (min-rate): a
// client that leaves its windows closed, and answers pings, would hold a connection to an
// edge for each of them for ever.
func paced(h http.Handler, minRate int64, grace time.Duration, slow func()) http.Handler {
	if minRate <= 0 {
		return h
	}
	least := grace + time.Duration(streamPart*int64(time.Second)/minRate)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(&streamWriter{ResponseWriter: w, limits: http.NewResponseController(w), least: least, slow: slow}, r)
	})
}

// streamWriter gives each part of an answer its time.
type streamWriter struct {
	http.ResponseWriter
	limits *http.ResponseController
	least  time.Duration
	slow   func() // a stream was reset
	due    time.Time
	told   time.Time // when due was
}

// Unwrap is for http.ResponseController.
func (w *streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *streamWriter) Write(b []byte) (n int, err error) {
	for first := true; first || n < len(b) && err == nil; first = false {
		if now := time.Now(); now.Sub(w.told) >= min(streamRenew, w.least/2) {
			w.told, w.due = now, now.Add(w.least)
			_ = w.limits.SetWriteDeadline(w.due)
		}
		took := 0
		took, err = w.ResponseWriter.Write(b[n:min(len(b), n+streamPart)])
		n += took
	}
	if err != nil && !time.Now().Before(w.due) {
		w.slow()
	}
	return n, err
}
