package rules

import (
	"net/http"
	"strings"
	"time"

	"tandem/internal/media"
	"tandem/segstore"
)

// staleLive is how long an old live playlist is given when the origin fails, about
// a segment's time: an older one looks like the end of the stream.
const staleLive = 6 * time.Second

// rulesOfCopy are the rules of a copy, from its kept fields.
func rulesOfCopy(m *segstore.Meta, path string, now time.Time) Rules {
	return Of(Head{Status: m.Status, Header: HeaderOf(m), Kind: media.KindOf(path, m.ContentType)}, now)
}

// MayServeStale is stale-if-error (RFC 5861), as far as the origin does not forbid
// it.
func MayServeStale(m *segstore.Meta, path string, now time.Time) bool {
	limit := rulesOfCopy(m, path, now).ifError
	if m.Volatile {
		limit = min(limit, staleLive)
	}
	return now.Before(m.Fresh.Add(limit))
}

// MayRenew is stale-while-revalidate (RFC 5861): the copy is given as it is, and
// the origin asked meanwhile. Never a live playlist.
func MayRenew(m *segstore.Meta, path string, now time.Time) bool {
	return !m.Volatile && strings.Contains(m.CacheControl+m.Fields, "stale-while-revalidate") &&
		now.Before(m.Fresh.Add(rulesOfCopy(m, path, now).renew))
}

// OnlyIfCached is the one directive of a request that is obeyed: it spares the
// origin. The others, which cost it something, may be ignored (RFC 9111 section
// 5.2.1) and are, or a viewer could make an edge hammer the origin.
func OnlyIfCached(h http.Header) bool {
	for _, line := range h["Cache-Control"] {
		for line != "" {
			var name string
			if name, _, line = nextDirective(line); strings.EqualFold(name, "only-if-cached") {
				return true
			}
		}
	}
	return false
}
