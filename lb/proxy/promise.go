package proxy

import (
	"net/http"

	"tandem/internal/h1"
)

// promise is what a viewer may rely on, from the moment begun is true, and how much of
// it was kept: all that another edge has to go on with. It is the same on a loop and in
// a goroutine.
type promise struct {
	begun  bool
	status int
	etag   string // strong; "" when the rest can't be asked for by range
	first  int64  // of the object, the first byte that the viewer gets
	last   int64  // inclusive, -1: not known yet
	total  int64  // of the object, -1: not known yet
	sent   int64  // bytes of the body
	length int64  // Content-Length as given, -1: none
	spoken string // Content-Range as given, where etag is ""
}

// promiseOf is what an answer's head says.
func promiseOf(h *answer) promise {
	p := promise{begun: true, status: h.Status, last: -1, total: -1, length: h.Length}
	whole := h.Length
	if n, ok := h1.Number(h.Get(lengthField)); ok && whole < 0 {
		whole = n
	}
	span, ranged := h.span()
	switch {
	case h.Status == http.StatusOK:
		p.etag = h.etag()
		if whole >= 0 {
			p.last, p.total = whole-1, whole
		}
	case h.Status == http.StatusPartialContent && ranged:
		p.etag = h.etag()
		p.first, p.last, p.total = span.First, span.Last, span.Total
	case h.Length >= 0: // a refusal, several ranges: nothing that can be asked for from a byte on
		p.last = h.Length - 1
	}
	if p.etag == "" {
		p.spoken = string(h.part)
	}
	return p
}

// offset is the object's first byte that the viewer lacks.
func (p *promise) offset() int64 { return p.first + p.sent }

// left is how many bytes the viewer lacks, -1: not known yet.
func (p *promise) left() int64 {
	if p.last < 0 && p.length != 0 {
		return -1
	}
	return p.last + 1 - p.offset()
}
