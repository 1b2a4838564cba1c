package proxy

import (
	"crypto/sha256"
	"maps"
	"net/http"
	"net/textproto"
	"strings"

	"tandem/internal/h1"
	"tandem/internal/wire"
)

// accept judges an answer's head: is it one to begin with, or does it go on
// exactly where the viewer's response stands? It only reads the response.
func (k *response) accept(a *attempt) error {
	h := a.head
	a.body = h.Body(k.r.Method)
	if a.body.Open() {
		return errGarbage // it may be cut off anywhere
	}
	a.grows, a.named = h.Chunked || h.waits, a.waiting(h, k.c.deps.Now())
	a.last, a.total = k.last, k.total
	switch {
	case k.begun && k.proves():
		return k.repeats(a)
	case k.begun:
		return k.continues(a)
	case h.Status == http.StatusBadGateway && len(h.Get(reasonField)) == 0:
		return errOrigin
	case h.Status >= 500 && len(h.Get(reasonField)) == 0, h.refusesNode():
		return errStatus
	case h.Status == http.StatusServiceUnavailable && k.e.Anew != nil && wire.RefusesSession(string(h.Get(reasonField))):
		return errRefused
	}
	if span, ok := h.span(); ok && h.Status == http.StatusPartialContent && !h.fits(span) {
		return errLength
	}
	return nil
}

// continues accepts the rest of an object: the same strong validator, the very
// next byte, the same end (RFC 9110, sections 13.1.5 and 15.3.7.3).
func (k *response) continues(a *attempt) error {
	h := a.head
	switch h.Status {
	case http.StatusPartialContent:
		span, ok := h.span()
		switch {
		case !ok || h.etag() != k.etag:
			return errVersion
		case span.First != k.offset() || !h.fits(span),
			k.last >= 0 && span.Last >= 0 && span.Last != k.last,
			k.total >= 0 && span.Total >= 0 && span.Total != k.total:
			return errLength
		}
		if k.last < 0 {
			a.last, a.total = span.Last, span.Total
		}
		return nil
	case http.StatusOK: // it takes no ranges now: the same bytes again are skipped
		if h.etag() != k.etag {
			if k.proof == nil || k.first != 0 || k.status != http.StatusOK {
				return errVersion
			}
			a.proof = sha256.New() // nobody else has that fetch: another one may be of the same bytes
		}
		if k.total >= 0 && h.Length >= 0 && h.Length != k.total {
			return errLength
		}
		if k.last < 0 && h.Length >= 0 {
			a.last, a.total = h.Length-1, h.Length
		}
		a.skip = k.offset()
		return nil
	case http.StatusRequestedRangeNotSatisfiable:
		whole, ok := h1.ParseContentRange(h.part)
		if ok && whole.First < 0 && whole.Total == k.offset() && k.last < 0 { // it grew no further: that was all
			a.last, a.total = whole.Total-1, whole.Total
			a.body = h.Body(http.MethodHead)
			a.closes = true // its own body is not read
			return nil
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
	case h.Status != k.status:
		return errStatus
	case string(h.part) != k.spoken:
		return errVersion
	case k.length >= 0 && h.Length != k.length:
		return errLength
	}
	if k.last < 0 && h.Length >= 0 {
		a.last = k.first + h.Length - 1
	}
	a.skip, a.proof = k.sent, sha256.New()
	return nil
}

// begin promises the viewer what the answer says, and gives it the head.
func (k *response) begin(a *attempt) {
	k.promise = promiseOf(a.head)
	if !a.body.Ended() && (k.etag == "" || a.grows && strings.HasPrefix(k.etag, wire.MadeTag)) {
		k.proof = sha256.New()
	}
	k.writeHead(a)
}

// interim passes on what the origin says before its answer (RFC 9110 section 15.2): not
// an edge's own word that it waits, and nothing of an attempt beside another one.
func (k *response) interim(a *attempt, h *answer) {
	if k.begun || a.aside || h.waits || h.Status <= http.StatusSwitchingProtocols {
		return
	}
	out := k.w.Header()
	own := maps.Clone(out)
	clear(out)
	h.give(out)
	k.w.WriteHeader(h.Status)
	clear(out)
	maps.Copy(out, own)
}

// give adds the fields that a viewer gets to those that are there, which are a connection's.
// Names and values are parts of one text.
func (h *answer) give(out http.Header) {
	size := 0
	for _, f := range h.Fields {
		size += len(f.Name) + len(f.Value)
	}
	var text strings.Builder
	text.Grow(size)
	for _, f := range h.Fields {
		text.Write(f.Name)
		text.Write(f.Value)
	}
	values := make([]string, 0, len(h.Fields))
	rest := text.String()
	for _, f := range h.Fields {
		name, value := rest[:len(f.Name)], rest[len(f.Name):len(f.Name)+len(f.Value)]
		rest = rest[len(name)+len(value):]
		if !isViewers(f.Name) || h.listed && h.lists(name) {
			continue
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if have := out[name]; have != nil {
			out[name] = append(have, value)
			continue
		}
		values = append(values, value)
		out[name] = values[len(values)-1 : len(values) : len(values)]
	}
}

func (k *response) writeHead(a *attempt) {
	out := k.w.Header()
	a.head.give(out)
	out["Via"] = append(out["Via"], "1.1 tandem")
	out["Server-Timing"] = append(out["Server-Timing"], `edge;desc="`+a.to.Edge+`"`)
	if k.timing != "" {
		out["Server-Timing"] = append(out["Server-Timing"], k.timing)
	}
	k.w.WriteHeader(k.status)
}
