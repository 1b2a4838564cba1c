package proxy

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"tandem/internal/call"
	"tandem/internal/h1"
	"tandem/internal/wire"
)

var (
	// errGarbage is returned for bytes that are no HTTP/1.1 answer.
	errGarbage = errors.New("not an HTTP answer")
	// errLength is returned for a body that is longer or shorter than was said.
	errLength = errors.New("wrong length")
)

// answer is the head of an edge's answer, as both ways read it. Its parts are those of
// the bytes that were parsed.
type answer struct {
	h1.Response
	tag    []byte // ETag
	part   []byte // Content-Range
	dated  bool
	waits  bool // the edge waits for the origin
	twice  bool // it has several validators, or ranges: the first counts
	listed bool // Connection names fields that are not the viewer's
}

// parse takes a head from the beginning of b: how many bytes, 0 when more have to come
// first. HTTP/1.0 is refused: an edge has no reason to speak it.
func (h *answer) parse(b []byte) (int, error) {
	*h = answer{Response: h1.Response{Fields: h.Fields}}
	n, err := h.Parse(b, h1.Edges)
	switch {
	case err != nil:
		return 0, errGarbage
	case n == 0:
		return 0, nil
	case h.Minor == 0:
		return 0, errGarbage
	}
	for i := range h.Fields {
		h.note(h.Fields[i].Name, h.Fields[i].Value)
	}
	return n, nil
}

// note is for the fields whose meaning is looked at more than once; most are none, by
// the length of their names.
func (h *answer) note(name, value []byte) {
	switch len(name) {
	case len("etag"):
		switch {
		case h1.Is(name, "date"):
			h.dated = true
		case h1.Is(name, "etag"):
			h.once(&h.tag, value)
		}
	case len("connection"):
		if h1.Is(name, "connection") {
			h.listed = h.listed || !h1.Is(value, "close") && !h1.Is(value, "keep-alive")
		}
	case len("content-range"):
		if h1.Is(name, "content-range") {
			h.once(&h.part, value)
		}
	case len(wire.HeaderWaiting):
		h.waits = h.waits || h1.Is(name, waitingField)
	}
}

func (h *answer) once(field *[]byte, value []byte) {
	if *field != nil {
		h.twice = true
		return
	}
	*field = value
}

// The fields of edges that are for a balancer, in small letters.
var (
	waitingField  = strings.ToLower(wire.HeaderWaiting)
	reasonField   = strings.ToLower(wire.HeaderReason)
	manifestField = strings.ToLower(wire.HeaderManifest)
	lengthField   = strings.ToLower(wire.HeaderLength)
)

// takeHead takes a head of n bytes from the front of a buffer; nil, nil when it is not all
// there.
func takeHead(b []byte) (h *answer, n int, err error) {
	h = new(answer)
	n, err = h.parse(b)
	if n == 0 || err != nil {
		return nil, 0, err
	}
	h.move(b, bytes.Clone(b[:n])) // the buffer is used again
	return h, n, nil
}

// move makes the parts of the head those of a copy.
func (h *answer) move(from, to []byte) {
	moved := func(part []byte) []byte {
		if part == nil {
			return nil
		}
		at := cap(from) - cap(part) // both end where the buffer does
		return to[at : at+len(part) : at+len(part)]
	}
	h.Reason, h.tag, h.part = moved(h.Reason), moved(h.tag), moved(h.part)
	for i := range h.Fields {
		f := &h.Fields[i]
		f.Name, f.Value = moved(f.Name), moved(f.Value)
	}
}

// lists tells whether the answer's Connection fields name the field.
func (h *answer) lists(name string) bool {
	for i := range h.Fields {
		if f := &h.Fields[i]; h1.Is(f.Name, "connection") && isListed([]string{string(f.Value)}, name) {
			return true
		}
	}
	return false
}

// strong tells whether the answer has a strong validator.
func (h *answer) strong() bool {
	return len(h.tag) >= 2 && h.tag[0] == '"' && h.tag[len(h.tag)-1] == '"'
}

// etag is the strong validator, "" when there is none.
func (h *answer) etag() string {
	if h.strong() {
		return string(h.tag)
	}
	return ""
}

// span is the part of the object that the answer gives; false: it names none.
func (h *answer) span() (h1.ContentRange, bool) {
	span, ok := h1.ParseContentRange(h.part)
	return span, ok && span.First >= 0
}

// fits tells whether the answer is as long as its range.
func (h *answer) fits(span h1.ContentRange) bool {
	return span.Length() < 0 || h.Length < 0 || h.Length == span.Length()
}

// refusesNode tells that the edge refuses this balancer, whoever the viewer is: its
// certificate was revoked, or has expired (rights.Gate).
func (h *answer) refusesNode() bool {
	return h.Status == http.StatusForbidden && string(h.Get(reasonField)) == call.ReasonCertificate
}

// ordinary tells whether a splice can give the answer, of whose body so many bytes
// are here: one that is whole, or whose rest any holder of the same version has.
func (h *answer) ordinary(method string, here int) bool {
	if h.Status < 200 || h.Status >= 500 || h.refusesNode() || h.Chunked || h.waits || h.twice || h.listed {
		return false
	}
	span, ranged := h.span()
	if h.Status == http.StatusPartialContent && (!ranged || span.Length() != h.Length || h.Length < 0) {
		return false
	}
	if h.Bodiless(method) {
		return true
	}
	whole := h.Length >= 0 && int64(here) >= h.Length
	return whole || h.Length > 0 && h.strong() && (h.Status == http.StatusOK || h.Status == http.StatusPartialContent)
}
