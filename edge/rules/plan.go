package rules

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/internal/wire"
	"tandem/segstore"
)

// Fields are what a request says: http.Header, or a head that a loop has read.
type Fields interface {
	Get(name string) string      // the first value, "" when there is none
	Values(name string) []string // nil when there is none
}

// Header is what an answer says: an http.Header (HeaderWriter), or lines of bytes.
type Header interface {
	Set(name, value string) // of a field that is said once
	Add(name, value string)
	Lines(text string) // "Name: value\r\n", as they are kept with an object
}

// Redirects tells whether Location leads the viewer on.
func Redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// Plan is the answer to a request for an object that is here, its body aside.
// It is made in one place for both ways on which requests come, so that they are
// answered alike.
type Plan struct {
	Status int
	Part   Range // of the body, where one is sent
	Open   bool  // a range of a body whose length nobody knows yet is asked for
}

// PlanFor is RFC 9110, sections 13.2.2 and 14: conditions first, then the range.
func PlanFor(h Fields, m *segstore.Meta) Plan {
	whole := Plan{Status: m.Status, Part: Range{0, m.Size - 1, false}}
	switch {
	case m.Status != http.StatusOK:
		return whole
	case preconditionFails(h, m):
		return Plan{Status: http.StatusPreconditionFailed}
	case NotModified(h, m):
		return Plan{Status: http.StatusNotModified}
	}
	text := h.Get("Range")
	if text == "" || !ifRange(h, m.ETag, m.LastModified) {
		return whole
	}
	if m.Size < 0 {
		whole.Open = true
		return whole
	}
	part, ok := rangeOf(text, m.Size)
	switch {
	case !ok:
		return Plan{Status: http.StatusRequestedRangeNotSatisfiable}
	case part.partial:
		return Plan{Status: http.StatusPartialContent, Part: part}
	}
	return whole
}

// PartPlan is the answer with a part of an object that is here by itself: n bytes
// from the first on.
func PartPlan(first, n int64) Plan {
	return Plan{Status: http.StatusPartialContent, Part: Range{first, first + n - 1, true}}
}

// Bodied tells whether a body belongs to the answer.
func (y Plan) Bodied() bool {
	switch y.Status {
	case http.StatusPreconditionFailed, http.StatusNotModified, http.StatusRequestedRangeNotSatisfiable:
		return false
	}
	return true
}

// Length is the body's, -1 when it is not known yet.
func (y Plan) Length() int64 {
	if y.Part.Last == OpenEnd {
		return -1
	}
	return y.Part.Last + 1 - y.Part.First
}

// Extent writes where the body lies in the object and how long it is, as far as
// that is known.
func (y Plan) Extent(h Header, m *segstore.Meta) {
	switch y.Status {
	case http.StatusPartialContent:
		b := make([]byte, 0, 64)
		b = strconv.AppendInt(append(b, "bytes "...), y.Part.First, 10)
		b = strconv.AppendInt(append(b, '-'), y.Part.Last, 10)
		if b = append(b, '/'); m.Size < 0 {
			b = append(b, '*')
		} else {
			b = strconv.AppendInt(b, m.Size, 10)
		}
		h.Set("Content-Range", string(b))
	case http.StatusRequestedRangeNotSatisfiable:
		h.Set("Content-Range", "bytes */"+strconv.FormatInt(m.Size, 10))
	}
	switch n := y.Length(); {
	case y.Status == http.StatusNoContent: // has no length (RFC 9110 section 8.6)
	case y.Bodied() && n >= 0:
		h.Set("Content-Length", strconv.FormatInt(n, 10))
	case !y.Bodied() && y.Status != http.StatusNotModified:
		h.Set("Content-Length", "0")
	}
}

// Says tells whether a field of the object belongs to an answer of this status.
func (y Plan) Says(name string) bool {
	switch y.Status {
	case http.StatusOK, http.StatusPartialContent, http.StatusPreconditionFailed:
		return true
	case http.StatusNotModified:
		return name != "Content-Type"
	default:
		return name != "ETag" && name != "Accept-Ranges"
	}
}

// Lines are the object's other fields that belong to an answer of this status.
func (y Plan) Lines(m *segstore.Meta) string {
	switch y.Status {
	case m.Status:
		return m.Fields
	case http.StatusPartialContent, http.StatusNotModified:
		return PartFields(m.Fields)
	}
	return "" // the edge's own answer
}

// Metadata writes what viewers may know of the object, under the validator etag.
func (y Plan) Metadata(h Header, m *segstore.Meta, etag string) {
	for _, field := range [...]struct{ name, value string }{
		{"Content-Type", m.ContentType},
		{"ETag", etag},
		{"Last-Modified", m.LastModified},
		{"Cache-Control", m.CacheControl},
		{"Content-Encoding", m.Encoding},
		{"Expires", m.Expires},
	} {
		if field.value != "" && y.Says(field.name) {
			h.Set(field.name, field.value)
		}
	}
}

// Formed is what is said of an object whose body goes out in another form: another
// length and encoding, and a validator of its own, made of the object's and a mark
// of the form. What is true of the bytes as they are stored is not said.
func Formed(m *segstore.Meta, mark, encoding string, size int64) segstore.Meta {
	out := *m
	out.Size, out.Encoding, out.Digest = size, encoding, ""
	out.ETag = `"` + mark + "-" + strings.TrimPrefix(m.ETag, `"`)
	if lines := PartFields(m.Fields); strings.Contains(lines, "igest: ") {
		var kept strings.Builder
		for line := range strings.SplitAfterSeq(lines, "\r\n") {
			if !strings.HasPrefix(line, "Digest: ") && !strings.HasPrefix(line, "Repr-Digest: ") {
				kept.WriteString(line)
			}
		}
		out.Fields = kept.String()
	} else {
		out.Fields = lines
	}
	return out
}

// Describe writes an object's metadata as headers between nodes, for whose time of day this
// one's clock is so far ahead.
func Describe(h Header, m *segstore.Meta, ahead time.Duration) {
	Plan{Status: http.StatusOK}.Metadata(h, m, m.ETag)
	DescribeCopy(h, m, ahead)
	DescribeFields(h, m)
}

// DescribeCopy writes what only nodes are told; ahead as Describe says.
func DescribeCopy(h Header, m *segstore.Meta, ahead time.Duration) {
	if m.Digest != "" {
		h.Set(wire.HeaderDigest, m.Digest)
	}
	h.Set(wire.HeaderStored, strconv.FormatInt(m.Stored.Add(-ahead).UnixMilli(), 10))
	if !m.Fresh.IsZero() {
		h.Set(wire.HeaderFresh, strconv.FormatInt(m.Fresh.Add(-ahead).UnixMilli(), 10))
	}
	if m.Volatile {
		h.Set(wire.HeaderVolatile, "1")
	}
}

// DescribeFields hands the kept fields to a neighbour as they are.
func DescribeFields(h Header, m *segstore.Meta) {
	if m.Fields != "" {
		h.Set(wire.HeaderFields, base64.StdEncoding.EncodeToString([]byte(m.Fields)))
	}
	if m.Vary != "" {
		h.Set(wire.HeaderSelection, m.Vary)
	}
	if m.Tags != "" {
		h.Set(wire.HeaderTags, string(m.Tags))
	}
}
