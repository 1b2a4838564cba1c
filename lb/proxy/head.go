package proxy

import (
	"crypto/sha256"
	"net/http"
	"strings"

	"tandem/internal/wire"
)

// accept judges an answer's head: is it one to begin with, or does it go on
// exactly where the viewer's response stands? It only reads the response.
func (k *response) accept(a *attempt) error {
	h := a.head
	if h.bodied(k.r.Method) && !h.chunked && h.length < 0 {
		return errGarbage // a body that ends when the connection does may be cut off anywhere
	}
	a.body = newBodyFrame(h, k.r.Method)
	a.grows = h.chunked || h.header[wire.HeaderWaiting] != nil
	a.last, a.total = k.last, k.total
	switch {
	case k.begun && k.proves():
		return k.repeats(a)
	case k.begun:
		return k.continues(a)
	case h.status >= 500 && h.header.Get(wire.HeaderReason) == "":
		return errStatus
	case h.status == http.StatusServiceUnavailable && k.e.Anew != nil && wire.RefusesSession(h.header.Get(wire.HeaderReason)):
		return errRefused
	}
	if h.status == http.StatusPartialContent {
		if part, ok := contentRange(h.header.Get("Content-Range")); ok && !part.fits(h) {
			return errLength
		}
	}
	return nil
}

// continues accepts the rest of an object: the same strong validator, the very
// next byte, the same end (RFC 9110, sections 13.1.5 and 15.3.7.3).
func (k *response) continues(a *attempt) error {
	h := a.head
	switch h.status {
	case http.StatusPartialContent:
		part, ok := contentRange(h.header.Get("Content-Range"))
		switch {
		case !ok || h.etag() != k.etag:
			return errVersion
		case part.first != k.offset() || !part.fits(h),
			k.last >= 0 && part.last >= 0 && part.last != k.last,
			k.total >= 0 && part.total >= 0 && part.total != k.total:
			return errLength
		}
		if k.last < 0 {
			a.last, a.total = part.last, part.total
		}
		return nil
	case http.StatusOK: // it takes no ranges now: the same bytes again are skipped
		if h.etag() != k.etag {
			return errVersion
		}
		if k.total >= 0 && h.length >= 0 && h.length != k.total {
			return errLength
		}
		if k.last < 0 && h.length >= 0 {
			a.last, a.total = h.length-1, h.length
		}
		a.skip = k.offset()
		return nil
	case http.StatusRequestedRangeNotSatisfiable:
		if text, ok := strings.CutPrefix(h.header.Get("Content-Range"), "bytes */"); ok && k.last < 0 {
			if n, ok := digits(text); ok && n == k.offset() { // it grew no further: that was all
				a.last, a.total = n-1, n
				a.body = bodyFrame{ended: true}
				a.head.close = true // its own body is not read
				return nil
			}
		}
		return errLength
	default:
		return errStatus
	}
}

// repeats accepts the same answer again where no strong validator vouches for
// the rest. What was sent already is compared by its hash as it is skipped: if
// it is the same, what the viewer gets is this answer from its first byte on.
func (k *response) repeats(a *attempt) error {
	h := a.head
	switch {
	case h.status != k.status:
		return errStatus
	case h.header.Get("Content-Range") != k.spoken:
		return errVersion
	case k.length >= 0 && h.length != k.length:
		return errLength
	}
	if k.last < 0 && h.length >= 0 {
		a.last = k.first + h.length - 1
	}
	a.skip, a.proof = k.sent, sha256.New()
	return nil
}

// begin promises the viewer what the answer says, and gives it the head.
func (k *response) begin(a *attempt) {
	k.promise(a)
	k.writeHead(a)
}

// promise notes what the viewer may rely on from now on.
func (k *response) promise(a *attempt) {
	h := a.head
	k.begun, k.status, k.etag, k.length = true, h.status, h.etag(), h.length
	k.spoken = h.header.Get("Content-Range")
	whole := h.length
	if n, ok := digits(h.header.Get(wire.HeaderLength)); ok && whole < 0 {
		whole = n
	}
	part, ranged := contentRange(k.spoken)
	switch {
	case h.status == http.StatusOK && whole >= 0:
		k.last, k.total = whole-1, whole
	case h.status == http.StatusOK:
	case h.status == http.StatusPartialContent && ranged:
		k.first, k.last, k.total = part.first, part.last, part.total
	default:
		k.etag = "" // a refusal, several ranges: nothing that can be asked for from a byte on
		if h.length >= 0 {
			k.last = h.length - 1
		}
	}
	if k.etag == "" && !a.body.ended {
		k.proof = sha256.New()
	}
}

func (k *response) writeHead(a *attempt) {
	out := k.w.Header()
	listed := a.head.header["Connection"]
	for name, values := range a.head.header {
		if unsent[name] && name != "Content-Length" && name != "Content-Type" && name != "Content-Encoding" ||
			strings.HasPrefix(name, ownPrefix) && name != wire.HeaderReason || listed != nil && isListed(listed, name) {
			continue
		}
		out[name] = values
	}
	out["Via"] = append(out["Via"], "1.1 tandem")
	out["Server-Timing"] = append(out["Server-Timing"], `edge;desc="`+a.to.Edge+`"`)
	if k.timing != "" {
		out["Server-Timing"] = append(out["Server-Timing"], k.timing)
	}
	k.w.WriteHeader(k.status)
}

// bytePart is a Content-Range; last and total are -1 where they are "*".
type bytePart struct{ first, last, total int64 }

// contentRange reads "bytes 5-9/10"; "bytes 5-*/*", which only edges say of a
// body that grows (FIELD.md B10), as well.
func contentRange(text string) (bytePart, bool) {
	spec, ok := strings.CutPrefix(text, "bytes ")
	if !ok {
		return bytePart{}, false
	}
	span, total, ok := strings.Cut(spec, "/")
	if !ok {
		return bytePart{}, false
	}
	from, to, ok := strings.Cut(span, "-")
	p := bytePart{last: -1, total: -1}
	var good [3]bool
	p.first, good[0] = digits(from)
	if good[1] = to == "*"; !good[1] {
		p.last, good[1] = digits(to)
	}
	if good[2] = total == "*"; !good[2] {
		p.total, good[2] = digits(total)
	}
	if !ok || good != [3]bool{true, true, true} || p.last >= 0 && p.last < p.first || p.total >= 0 && p.last >= p.total {
		return bytePart{}, false
	}
	return p, true
}

// fits tells whether the answer is as long as its range.
func (p bytePart) fits(h *answerHead) bool {
	return p.last < 0 || h.length < 0 || h.length == p.last-p.first+1
}
