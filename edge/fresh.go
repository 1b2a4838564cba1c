package edge

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/internal/media"
)

// rules is what an answer of the origin allows a shared cache (RFC 9111).
type rules struct {
	store   bool          // may be stored at all
	fresh   time.Duration // from now on
	must    bool          // must not be given out stale (must-revalidate, no-cache)
	ifError time.Duration // may be given out stale for so long when the origin fails (RFC 5861)
}

// Defaults for answers that say nothing of their life. Media objects have
// names that are not used again; a playlist lives about as long as it takes a
// player to ask again.
const (
	segmentLife  = time.Hour
	playlistLife = time.Second
	otherLife    = 10 * time.Second
	missingLife  = time.Second
	maxMissing   = 5 * time.Second // a segment that is not there yet will be
	vodIfError   = 24 * time.Hour
)

// rulesOf reads the head of an answer that arrived at now.
func rulesOf(status int, h http.Header, kind media.Kind, now time.Time) rules {
	d := directives(h)
	r := rules{store: true}
	_, noStore := d["no-store"]
	_, private := d["private"]
	_, noCache := d["no-cache"]
	_, revalidate := d["must-revalidate"]
	_, proxy := d["proxy-revalidate"]
	r.must = noCache || revalidate || proxy
	if noStore || private || h.Get("Set-Cookie") != "" || !varyFits(h) {
		return rules{}
	}
	switch status {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		r.fresh = min(given(d, h, now, missingLife), maxMissing)
		r.must = true
		return r
	default:
		return rules{}
	}
	r.fresh = given(d, h, now, life(kind))
	if noCache {
		r.fresh = 0
	}
	if !r.must {
		r.ifError = vodIfError
		if s, ok := seconds(d, "stale-if-error"); ok {
			r.ifError = s
		}
	}
	return r
}

func life(kind media.Kind) time.Duration {
	switch {
	case kind == media.Segment || kind == media.Init:
		return segmentLife
	case media.IsPlaylist(kind):
		return playlistLife
	}
	return otherLife
}

// given is the freshness that the answer states: s-maxage, max-age, Expires, in
// this order (RFC 9111 section 4.2.1), less its age; otherwise is for none.
func given(d map[string]string, h http.Header, now time.Time, otherwise time.Duration) time.Duration {
	fresh, ok := seconds(d, "s-maxage")
	if !ok {
		fresh, ok = seconds(d, "max-age")
	}
	if !ok && h.Get("Expires") != "" {
		ok = true
		if expires, err := http.ParseTime(h.Get("Expires")); err == nil {
			date, err := http.ParseTime(h.Get("Date"))
			if err != nil {
				date = now
			}
			fresh = expires.Sub(date)
		}
	}
	if !ok {
		return otherwise
	}
	if age, err := strconv.Atoi(h.Get("Age")); err == nil && age > 0 {
		fresh -= time.Duration(age) * time.Second
	}
	return max(fresh, 0)
}

// directives reads Cache-Control, or CDN-Cache-Control in its place when that
// is there (RFC 9213).
func directives(h http.Header) map[string]string {
	values := h.Values("CDN-Cache-Control")
	if len(values) == 0 {
		values = h.Values("Cache-Control")
	}
	d := make(map[string]string, 4)
	for _, line := range values {
		for part := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if name = strings.ToLower(name); name != "" {
				d[name] = strings.Trim(value, `"`)
			}
		}
	}
	return d
}

// seconds reads a directive's delta-seconds; what is too large counts as large.
func seconds(d map[string]string, name string) (time.Duration, bool) {
	text, ok := d[name]
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, true // malformed is stale (RFC 9111 section 4.2.1)
	}
	return time.Duration(min(n, 10*365*24*3600)) * time.Second, true
}

// varyFits tells whether one stored answer serves everybody: the edge asks the
// origin without content coding, and CORS is its own.
func varyFits(h http.Header) bool {
	for _, line := range h.Values("Vary") {
		for name := range strings.SplitSeq(line, ",") {
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "", "accept-encoding", "origin", "access-control-request-headers", "access-control-request-method":
			default:
				return false
			}
		}
	}
	return true
}
