package accesslog

import (
	"io"
	"net/http"
	"time"
)

// answer is an http.ResponseWriter that remembers what went through it.
type answer struct {
	http.ResponseWriter
	began  time.Time
	status int
	sent   int64
	first  time.Duration // until the head
}

// as is the answer with the methods that the writer below has: what copies bodies
// asks for io.ReaderFrom, and takes another way where it is not there.
func (a *answer) as() http.ResponseWriter {
	if from, ok := a.ResponseWriter.(io.ReaderFrom); ok {
		return &readerFrom{a, from}
	}
	return a
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader is an http.ResponseWriter's; one that only informs is not the answer.
func (a *answer) WriteHeader(status int) {
	if status >= 200 {
		a.begin(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) begin(status int) {
	if a.status == 0 {
		a.status, a.first = status, time.Since(a.began)
	}
}

// Write is an http.ResponseWriter's.
func (a *answer) Write(b []byte) (int, error) {
	a.begin(http.StatusOK)
	n, err := a.ResponseWriter.Write(b)
	a.sent += int64(n)
	return n, err
}

type readerFrom struct {
	*answer
	from io.ReaderFrom
}

// ReadFrom is an io.ReaderFrom's.
func (a *readerFrom) ReadFrom(r io.Reader) (int64, error) {
	a.begin(http.StatusOK)
	n, err := a.from.ReadFrom(r)
	a.sent += n
	return n, err
}
