package rules

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/segstore"
)

// Range is a part of a body; last is inclusive.
type Range struct {
	First, Last int64
	partial     bool
}

// OpenEnd is the last byte of a body whose end is not known yet.
const OpenEnd = -2

// rangeOf reads Range for a body of that size (RFC 9110 section 14). Several
// ranges, other units and nonsense are ignored, as the RFC allows. False: 416.
func rangeOf(text string, size int64) (Range, bool) {
	whole := Range{0, size - 1, false}
	spec, ok := strings.CutPrefix(text, "bytes=")
	if !ok || strings.Contains(spec, ",") {
		return whole, true
	}
	from, to, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok {
		return whole, true
	}
	if from == "" {
		n, err := strconv.ParseInt(to, 10, 64)
		if err != nil {
			return whole, true
		}
		if n == 0 || size == 0 {
			return whole, false
		}
		return Range{max(size-n, 0), size - 1, true}, true
	}
	first, err := strconv.ParseInt(from, 10, 64)
	if err != nil || first < 0 {
		return whole, true
	}
	last := size - 1
	if to != "" {
		n, err := strconv.ParseInt(to, 10, 64)
		if err != nil || n < first {
			return whole, true
		}
		last = min(n, last)
	}
	if first >= size {
		return whole, false
	}
	return Range{first, last, true}, true
}

// OpenRange reads "bytes=K-" alone: the one range that can be served of a body
// whose length is not known yet.
func OpenRange(text string) (int64, bool) {
	spec, ok := strings.CutPrefix(text, "bytes=")
	if !ok {
		return 0, false
	}
	from, ok := strings.CutSuffix(spec, "-")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(from, 10, 64)
	return n, err == nil && n >= 0
}

// ifRange tells whether Range counts (RFC 9110 section 13.1.5): the validator
// has to be the same strong one, or the very date.
func ifRange(h Fields, etag, lastModified string) bool {
	want := h.Get("If-Range")
	if want == "" {
		return true
	}
	if strings.HasPrefix(want, `"`) {
		return want == etag
	}
	return want == lastModified && lastModified != ""
}

// NotModified is RFC 9110 section 13.2.2 for GET and HEAD.
func NotModified(h Fields, m *segstore.Meta) bool {
	if list := h.Get("If-None-Match"); list != "" {
		weak := OriginTag(m.ETag)
		for tag := range strings.SplitSeq(list, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || weak != "" && tag == weak || m.ETag != "" && strings.TrimPrefix(tag, "W/") == m.ETag {
				return true
			}
		}
		return false
	}
	since, err := http.ParseTime(h.Get("If-Modified-Since"))
	if err != nil || m.LastModified == "" {
		return false
	}
	modified, err := http.ParseTime(m.LastModified)
	return err == nil && !modified.After(since.Add(time.Second-1))
}

// preconditionFails is If-Match and If-Unmodified-Since.
func preconditionFails(h Fields, etag string) bool {
	list := h.Get("If-Match")
	if list == "" {
		return false
	}
	for tag := range strings.SplitSeq(list, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || tag == etag && strings.HasPrefix(tag, `"`) {
			return false
		}
	}
	return true
}
