package rules

import (
	"net/http"
	"strings"
	"time"

	"tandem/internal/h1"
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
	asked, ok := h1.ParseRange(text)
	if !ok {
		return Range{0, size - 1, false}, true
	}
	first, last, ok := asked.Of(size)
	return Range{first, last, true}, ok
}

// Covers tells whether all that Range asks for lies in a body of that size.
func Covers(text string, size int64) bool {
	asked, ok := h1.ParseRange(text)
	return !ok || asked.First < 0 || asked.First < size && (asked.OpenEnd() || asked.Last < size)
}

// FirstAsked is the first byte that Range asks for; 0 where that is not said.
func FirstAsked(text string) int64 {
	if asked, ok := h1.ParseRange(text); ok && asked.First > 0 {
		return asked.First
	}
	return 0
}

// OpenRange reads "bytes=K-" alone: the one range that can be served of a body
// whose length is not known yet.
func OpenRange(text string) (int64, bool) {
	asked, ok := h1.ParseRange(text)
	return asked.First, ok && asked.OpenEnd()
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
	if lists := h.Values("If-None-Match"); lists != nil {
		weak := OriginTag(m.ETag)
		return anyTag(lists, func(tag string) bool {
			return tag == "*" || weak != "" && tag == weak || m.ETag != "" && strings.TrimPrefix(tag, "W/") == m.ETag
		})
	}
	since, ok := timeOf(h.Get("If-Modified-Since"))
	if !ok {
		return false
	}
	modified, ok := timeOf(m.LastModified)
	return ok && !modified.After(since.Add(time.Second-1))
}

// preconditionFails is If-Match and, where there is none, If-Unmodified-Since.
func preconditionFails(h Fields, m *segstore.Meta) bool {
	if lists := h.Values("If-Match"); lists != nil {
		return !anyTag(lists, func(tag string) bool { return tag == "*" || tag == m.ETag && strings.HasPrefix(tag, `"`) })
	}
	since, ok := timeOf(h.Get("If-Unmodified-Since"))
	if !ok {
		return false // not a date: to be ignored, as it is where nothing is known of changes
	}
	modified, ok := timeOf(m.LastModified)
	return ok && modified.After(since)
}

// timeOf is an HTTP-date's time. Most requests have none: to parse nothing costs a
// twelfth of a hit of 2 KB, in the errors of three layouts.
func timeOf(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, false
	}
	t, err := http.ParseTime(text)
	return t, err == nil
}

// anyTag tells whether is holds for one of the entity tags in lists (RFC 9110 section
// 8.8.3). A comma in quotation marks is a part of a tag.
func anyTag(lists []string, is func(tag string) bool) bool {
	for _, list := range lists {
		for list = strings.TrimLeft(list, " \t,"); list != ""; list = strings.TrimLeft(list, " \t,") {
			end := strings.IndexByte(list, ',')
			if tag := strings.TrimPrefix(list, "W/"); tag[:min(1, len(tag))] == `"` {
				if n := strings.IndexByte(tag[1:], '"'); n >= 0 {
					end = len(list) - len(tag) + n + 2
				}
			}
			if end < 0 {
				end = len(list)
			}
			if is(strings.TrimRight(list[:end], " \t")) {
				return true
			}
			list = list[end:]
		}
	}
	return false
}
