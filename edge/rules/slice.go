package rules

import (
	"net/http"
	"strconv"
	"strings"

	"tandem/internal/h1"
	"tandem/segstore"
)

// SliceSize is how much of a large object is fetched for a range of it, in bytes.
const SliceSize = 1 << 20

// What stands behind the mark in the key of a part of an object.
const (
	sliceMark = VariantMark + "s"
	rangeMark = VariantMark + "r"
	headMark  = VariantMark + "h"
)

// SliceKey is where the slice of that number is kept.
func SliceKey(key string, number int64) string {
	return TargetOf(key) + sliceMark + strconv.FormatInt(number, 10)
}

// SliceOf is the number of the slice that a key is of.
func SliceOf(key string) (number int64, ok bool) {
	_, text, ok := strings.Cut(key, sliceMark)
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseInt(text, 10, 40)
	return number, err == nil && number >= 0
}

// RangeKey is where a range of an object is kept that is asked for as it is.
func RangeKey(key string, r h1.Range) string {
	text := TargetOf(key) + rangeMark + strconv.FormatInt(r.First, 10) + "-"
	if !r.OpenEnd() {
		text += strconv.FormatInt(r.Last, 10)
	}
	return text
}

// RangeOf is the range that a key is of.
func RangeOf(key string) (r h1.Range, ok bool) {
	_, text, ok := strings.Cut(key, rangeMark)
	if !ok {
		return r, false
	}
	text, _, _ = strings.Cut(text, VariantMark)
	r, ok = h1.ParseRange("bytes=" + text)
	return r, ok && r.First >= 0
}

// PartSaid is how a neighbour is told which part of an object a key is of, "": it is
// of the whole.
func PartSaid(key string) string {
	_, text, ok := strings.Cut(key, rangeMark)
	if !ok {
		_, text, _ = strings.Cut(key, sliceMark)
	}
	text, _, _ = strings.Cut(text, VariantMark)
	return text
}

// PartKey is the key of the part that a neighbour said; the key itself where it said
// none.
func PartKey(key, said string) string {
	if number, err := strconv.ParseInt(said, 10, 40); err == nil && number >= 0 {
		return SliceKey(key, number)
	}
	if r, ok := h1.ParseRange("bytes=" + said); ok && r.First >= 0 {
		return RangeKey(key, r)
	}
	return key
}

// IsPart tells whether a key is of some bytes of an object.
func IsPart(key string) bool {
	return strings.Contains(key, sliceMark) || strings.Contains(key, rangeMark)
}

// HeadKey is where what the origin says of an object is kept, without its body.
func HeadKey(key string) string { return TargetOf(key) + headMark }

// IsHead tells whether a key is of a head.
func IsHead(key string) bool { return strings.HasSuffix(key, headMark) }

// extentField is the first of the kept fields of a part: where it begins in the
// object, and how long that is. It is never sent to viewers.
const extentField = "Tandem-Extent: "

// Extent are the kept fields of a part of an object of that length, -1: not known.
func Extent(fields string, begin, total int64) string {
	return extentField + strconv.FormatInt(begin, 10) + "/" + strconv.FormatInt(total, 10) + "\r\n" + fields
}

// SameExtent puts the extent of old fields before new ones.
func SameExtent(old, fields string) string {
	if end := strings.Index(old, "\r\n"); strings.HasPrefix(old, extentField) && end >= 0 {
		return old[:end+2] + fields
	}
	return fields
}

// Whole is what a part's copy says of the object that it is a part of. False: it is
// none.
func Whole(m segstore.Meta) (whole segstore.Meta, begin int64, ok bool) {
	text, found := strings.CutPrefix(m.Fields, extentField)
	line, rest, ended := strings.Cut(text, "\r\n")
	from, total, parted := strings.Cut(line, "/")
	begin, badFrom := strconv.ParseInt(from, 10, 64)
	size, badTotal := strconv.ParseInt(total, 10, 64)
	if !found || !ended || !parted || badFrom != nil || badTotal != nil {
		return m, 0, false
	}
	m.Fields, m.Size, m.Digest = rest, size, ""
	return m, begin, true
}

// RangeIn reads an origin's 206 to a request for a range: where it lies in the object,
// of which the length may not be known. False: it is not what was asked for.
func RangeIn(resp *http.Response, asked h1.Range) (r h1.ContentRange, ok bool) {
	r, ok = h1.ParseContentRange(resp.Header.Get("Content-Range"))
	return r, ok && r.First == asked.First && r.Length() > 0 && r.Last <= asked.Last && (resp.ContentLength < 0 || resp.ContentLength == r.Length())
}

// AllOf makes 200 of a 206 that nobody has asked for and that is all of the object, as
// some origins answer; one that is less, or doesn't tell, stays what it is.
func AllOf(resp *http.Response) {
	if resp.StatusCode != http.StatusPartialContent {
		return
	}
	r, ok := h1.ParseContentRange(resp.Header.Get("Content-Range"))
	if !ok || r.First != 0 || r.Total < 1 || r.Last != r.Total-1 || resp.ContentLength >= 0 && resp.ContentLength != r.Total {
		return
	}
	resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
	resp.Header.Del("Content-Range")
}

// PartOf reads an origin's 206: the bytes from begin on, up to the end of a slice or
// of the object, under a strong validator, its own or DatedTag. False: it is not what was
// asked for, or can't be put together with others (RFC 9110 section 15.3.7.3).
func PartOf(resp *http.Response, begin, end int64) (total int64, tag string, ok bool) {
	r, ok := h1.ParseContentRange(resp.Header.Get("Content-Range"))
	switch {
	case !ok || r.First != begin || r.Total < 1 || r.Last != min(end, r.Total-1):
		return 0, "", false
	case resp.ContentLength >= 0 && resp.ContentLength != r.Last+1-r.First:
		return 0, "", false
	}
	if tag = resp.Header.Get("ETag"); !strings.HasPrefix(tag, `"`) {
		tag = DatedTag(resp.Header, r.Total)
	}
	return r.Total, tag, tag != ""
}

// HeadOf asks for the head in place of what a request asks for.
func HeadOf(r *http.Request) *http.Request {
	head := r.Clone(r.Context())
	head.Method = http.MethodHead
	return head
}

// RefusesHead tells that the origin may answer GET all the same: where it does not
// know HEAD, or an address is signed for GET alone.
func RefusesHead(status int) bool {
	return status >= 400 && status != http.StatusNotFound && status != http.StatusGone
}
