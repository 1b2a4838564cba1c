package fetch

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"sync/atomic"
)

// passThrough is where a fill leaves what only the request that began it may have:
// the answer's status and, when the answer is not for the store, the answer, so
// that the origin is not asked twice. Whoever joined the fill asks for itself.
type passThrough struct {
	interim func(status int, h http.Header) // gets what the origin says before its answer

	mu     sync.Mutex
	status int     // of the answer, 0: none yet; guarded by mu
	answer *answer // guarded by mu
	closed bool    // nobody takes an answer; guarded by mu
}

// note keeps the status.
func (h *passThrough) note(status int) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

// traced makes a request tell its interim answers.
func (h *passThrough) traced(ctx context.Context) context.Context {
	if h == nil {
		return ctx
	}
	return interimTo(ctx, h.interim)
}

// interimMost bounds an origin's interim answers: net/http does where nobody listens.
const interimMost = 32

func interimTo(ctx context.Context, to func(status int, h http.Header)) context.Context {
	var said atomic.Int32
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
		if said.Add(1) > interimMost {
			return fmt.Errorf("%w: more than %d interim answers (1xx)", ErrOrigin, interimMost)
		}
		to(status, http.Header(h))
		return nil
	}})
}

// open tells whether somebody would take an answer that is not for the store.
func (h *passThrough) open() bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.closed
}

// offer leaves an open answer. False: nobody will take it, or it is none that can
// be given: begun, a 304, or of a fill that has ended.
func (h *passThrough) offer(a *answer) bool {
	if h == nil || a.used || a.tie == nil || a.resp.StatusCode == http.StatusNotModified {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || !a.tie.cut() {
		return false
	}
	h.answer = a
	return true
}

// take ends the waiting: the status, and the answer that was left, if any.
func (h *passThrough) take() (status int, a *answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	status, a = h.status, h.answer
	h.answer, h.closed = nil, true
	return status, a
}
