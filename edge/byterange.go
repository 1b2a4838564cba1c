package edge

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/segstore"
)

// byteRange is a part of a body; last is inclusive.
type byteRange struct {
	first, last int64
	partial     bool
}

// openEnd is the last byte of a body whose end is not known yet.
const openEnd = -2

// rangeOf reads Range for a body of that size (RFC 9110 section 14). Several
// ranges, other units and nonsense are ignored, as the RFC allows. False: 416.
func rangeOf(text string, size int64) (byteRange, bool) {
	whole := byteRange{0, size - 1, false}
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
		return byteRange{max(size-n, 0), size - 1, true}, true
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
	return byteRange{first, last, true}, true
}

// openRange reads "bytes=K-" alone: the one range that can be served of a body
// whose length is not known yet.
func openRange(text string) (int64, bool) {
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
func ifRange(h fields, etag, lastModified string) bool {
	want := h.Get("If-Range")
	if want == "" {
		return true
	}
	if strings.HasPrefix(want, `"`) {
		return want == etag
	}
	return want == lastModified && lastModified != ""
}

// notModified is RFC 9110 section 13.2.2 for GET and HEAD.
func notModified(h fields, m *segstore.Meta) bool {
	if list := h.Get("If-None-Match"); list != "" {
		weak := originTag(m.ETag)
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
func preconditionFails(h fields, etag string) bool {
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
