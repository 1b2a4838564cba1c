package edge

import (
	"encoding/base64"
	"net/http"
	"strconv"

	"tandem/internal/wire"
	"tandem/segstore"
)

// fields are what a request says: http.Header, or a head that a loop has read.
type fields interface{ Get(name string) string }

// header is what an answer says: an http.Header (spoken), or lines of bytes.
type header interface {
	Set(name, value string) // of a field that is said once
	Add(name, value string)
	Lines(text string) // "Name: value\r\n", as they are kept with an object
}

// verdict is the answer to a request for an object that is here, its body aside.
// It is made in one place for both ways on which requests come, so that they are
// answered alike.
type verdict struct {
	status int
	part   byteRange // of the body, where one is sent
	open   bool      // a range of a body whose length nobody knows yet is asked for
}

// judge is RFC 9110, sections 13.2.2 and 14: conditions first, then the range.
func judge(h fields, m *segstore.Meta) verdict {
	whole := verdict{status: m.Status, part: byteRange{0, m.Size - 1, false}}
	switch {
	case m.Status != http.StatusOK:
		return whole
	case preconditionFails(h, m.ETag):
		return verdict{status: http.StatusPreconditionFailed}
	case notModified(h, m):
		return verdict{status: http.StatusNotModified}
	}
	text := h.Get("Range")
	if text == "" || !ifRange(h, m.ETag, m.LastModified) {
		return whole
	}
	if m.Size < 0 {
		whole.open = true
		return whole
	}
	part, ok := rangeOf(text, m.Size)
	switch {
	case !ok:
		return verdict{status: http.StatusRequestedRangeNotSatisfiable}
	case part.partial:
		return verdict{status: http.StatusPartialContent, part: part}
	}
	return whole
}

// bodied tells whether a body belongs to the answer.
func (y verdict) bodied() bool {
	switch y.status {
	case http.StatusPreconditionFailed, http.StatusNotModified, http.StatusRequestedRangeNotSatisfiable:
		return false
	}
	return true
}

// length is the body's, -1 when it is not known yet.
func (y verdict) length() int64 {
	if y.part.last == openEnd {
		return -1
	}
	return y.part.last + 1 - y.part.first
}

// extent writes where the body lies in the object and how long it is, as far as
// that is known.
func (y verdict) extent(h header, m *segstore.Meta) {
	switch y.status {
	case http.StatusPartialContent:
		b := make([]byte, 0, 64)
		b = strconv.AppendInt(append(b, "bytes "...), y.part.first, 10)
		b = strconv.AppendInt(append(b, '-'), y.part.last, 10)
		b = strconv.AppendInt(append(b, '/'), m.Size, 10)
		h.Set("Content-Range", string(b))
	case http.StatusRequestedRangeNotSatisfiable:
		h.Set("Content-Range", "bytes */"+strconv.FormatInt(m.Size, 10))
	}
	switch n := y.length(); {
	case y.status == http.StatusNoContent: // has no length (RFC 9110 section 8.6)
	case y.bodied() && n >= 0:
		h.Set("Content-Length", strconv.FormatInt(n, 10))
	case !y.bodied() && y.status != http.StatusNotModified:
		h.Set("Content-Length", "0")
	}
}

// says tells whether a field of the object belongs to an answer of this status.
func (y verdict) says(name string) bool {
	switch y.status {
	case http.StatusOK, http.StatusPartialContent, http.StatusPreconditionFailed:
		return true
	case http.StatusNotModified:
		return name != "Content-Type"
	default:
		return name != "ETag" && name != "Accept-Ranges"
	}
}

// lines are the object's other fields that belong to an answer of this status.
func (y verdict) lines(m *segstore.Meta) string {
	switch y.status {
	case m.Status:
		return m.Fields
	case http.StatusPartialContent, http.StatusNotModified:
		return partFields(m.Fields)
	}
	return "" // the edge's own answer
}

// metadata writes what viewers may know of the object, under the validator etag.
func (y verdict) metadata(h header, m *segstore.Meta, etag string) {
	for _, field := range [...]struct{ name, value string }{
		{"Content-Type", m.ContentType},
		{"ETag", etag},
		{"Last-Modified", m.LastModified},
		{"Cache-Control", m.CacheControl},
		{"Content-Encoding", m.Encoding},
		{"Expires", m.Expires},
	} {
		if field.value != "" && y.says(field.name) {
			h.Set(field.name, field.value)
		}
	}
}

// describe writes an object's metadata as headers between nodes.
func describe(h header, m *segstore.Meta) {
	verdict{status: http.StatusOK}.metadata(h, m, m.ETag)
	describeCopy(h, m)
	describeFields(h, m)
}

// describeCopy writes what only nodes are told.
func describeCopy(h header, m *segstore.Meta) {
	if m.Digest != "" {
		h.Set(wire.HeaderDigest, m.Digest)
	}
	h.Set(wire.HeaderStored, strconv.FormatInt(m.Stored.UnixMilli(), 10))
	if !m.Fresh.IsZero() {
		h.Set(wire.HeaderFresh, strconv.FormatInt(m.Fresh.UnixMilli(), 10))
	}
	if m.Volatile {
		h.Set(wire.HeaderVolatile, "1")
	}
}

// describeFields hands the kept fields to a neighbour as they are.
func describeFields(h header, m *segstore.Meta) {
	if m.Fields != "" {
		h.Set(wire.HeaderFields, base64.StdEncoding.EncodeToString([]byte(m.Fields)))
	}
}
