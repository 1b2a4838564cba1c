package rules

import (
	"net/http"
	"strings"
	"time"

	"tandem/internal/media"
)

// Rules is what an answer of the origin allows a shared cache (RFC 9111).
type Rules struct {
	Store   bool          // may be stored, and given to others
	Fresh   time.Duration // from now on
	ifError time.Duration // may be given out stale for so long when the origin fails (RFC 5861)
	renew   time.Duration // the same while it is renewed
}

// MissingLife is how long a media object that is not there stays so at most,
// whatever is stated: a segment that is not there yet will be.
const MissingLife = time.Second

// Defaults for answers that say nothing of their life. Media objects have
// names that are not used again; a playlist lives about as long as it takes a
// player to ask again. What is none of these has no life but the one that it
// states, or a tenth of its age since the last change.
const (
	segmentLife  = time.Hour
	playlistLife = time.Second
	maxHeuristic = 24 * time.Hour
	vodIfError   = 24 * time.Hour
)

// Head is an answer's head, and for whom it was asked.
type Head struct {
	Status     int
	Header     http.Header
	Kind       media.Kind
	Authorised bool // the request carried Authorization
	Empty      bool // it has no body, or a page for one where there should be media
}

// Of reads the head of an answer that arrived at now.
func Of(a Head, now time.Time) Rules {
	d := directivesOf(a.Header)
	if !storable(&a, &d) {
		return Rules{}
	}
	r := Rules{Store: true, Fresh: lifeOf(&a, &d, now)}
	if d.noCache || d.noStore && Fails(a.Status) || a.Status == http.StatusTooManyRequests {
		r.Fresh = 0 // an origin's error is at most for those who wait for it
	}
	// Only what is there can be given out stale, and only unless the origin forbids
	// it (RFC 9111 section 4.2.4).
	if a.Status != http.StatusOK || a.missing() || d.noCache || d.mustRevalidate || d.proxyRevalidate || d.sMaxage.said {
		return r
	}
	r.ifError, r.renew = vodIfError, d.staleWhileRevalidating.time
	if d.staleIfError.said {
		r.ifError = d.staleIfError.time
	}
	return r
}

// Fails tells that a status says how the origin is, and nothing of the object: it failed, or
// has no time for who asks for all (429, which is never stored: RFC 6585 section 4).
func Fails(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests
}

// storable is RFC 9111 section 3. A response with Set-Cookie never is:
// docs/decisions/0008.
func storable(a *Head, d *directives) bool {
	switch {
	case a.Status < 200 || a.Status == http.StatusPartialContent || a.Status == http.StatusNotModified:
		return false
	case d.mustUnderstand && !understood(a.Status), d.noStore && !d.mustUnderstand && !Fails(a.Status), d.private, a.Header["Set-Cookie"] != nil:
		return false
	case a.Authorised && !d.public && !d.mustRevalidate && !d.sMaxage.said: // section 3.5
		return false
	case !Selectable(a.Header):
		return false
	}
	switch a.Status {
	case http.StatusOK, http.StatusNotFound, http.StatusGone:
		return true
	}
	if _, ok := d.stated(a.Header, time.Time{}); ok || d.noCache || Fails(a.Status) {
		return true // an error without a life is for those who wait for it
	}
	return (heuristic(a.Status) || d.public) && a.Header.Get("Last-Modified") != ""
}

// understood tells whether a status is one whose caching rules are known here.
func understood(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410, 414, 500, 501, 502, 503, 504:
		return true
	}
	return false
}

// heuristic tells whether a status may be cached without a stated life (RFC 9110
// section 15.1).
func heuristic(status int) bool {
	switch status {
	case 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// lifeOf is how long an answer is fresh.
func lifeOf(a *Head, d *directives, now time.Time) time.Duration {
	age := AgeOf(a.Header)
	fresh, ok := d.stated(a.Header, now)
	switch {
	case ok:
		fresh = max(fresh-age, 0)
	case a.Status == http.StatusOK && a.Kind != media.Other && !a.Empty:
		return life(a.Kind)
	case (heuristic(a.Status) || d.public) && a.Kind == media.Other && a.Header.Get("Last-Modified") != "":
		fresh = max(sinceChange(a.Header, now)-age, 0)
	case a.missing():
		fresh = MissingLife
	}
	if a.Kind != media.Other && (a.Status >= 400 || a.missing()) {
		fresh = min(fresh, MissingLife)
	}
	return fresh
}

// missing tells that an object is not there: a media object of no bytes is one
// whose packager has only made its file, whether 200 says so or 204.
func (a *Head) missing() bool {
	switch a.Status {
	case http.StatusNotFound, http.StatusGone:
		return true
	case http.StatusOK:
		return a.Empty && a.Kind != media.Other
	case http.StatusNoContent, http.StatusResetContent:
		return a.Kind != media.Other
	}
	return false
}

func life(kind media.Kind) time.Duration {
	if media.IsPlaylist(kind) {
		return playlistLife
	}
	return segmentLife
}

// sinceChange is a tenth of the time since the last change (section 4.2.2).
func sinceChange(h http.Header, now time.Time) time.Duration {
	changed, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return 0
	}
	return min(max(dateOf(h, now).Sub(changed)/10, 0), maxHeuristic)
}

// stated is the freshness that the answer states: s-maxage, max-age, Expires, in
// this order (section 4.2.1).
func (d *directives) stated(h http.Header, now time.Time) (time.Duration, bool) {
	switch {
	case d.sMaxage.said:
		return d.sMaxage.time, true
	case d.maxAge.said:
		return d.maxAge.time, true
	case d.targeted || h["Expires"] == nil:
		return 0, false
	}
	expires, ok := dateIn(h["Expires"])
	if !ok {
		return 0, true // malformed is in the past (section 5.3)
	}
	return min(max(expires.Sub(dateOf(h, now)), 0), longest), true
}

// dateIn is the date that a field's lines say, all of them the same (RFC 9110
// section 5.6.7). http.ParseTime alone is lenient with digits and spaces.
func dateIn(lines []string) (time.Time, bool) {
	for _, line := range lines[1:] {
		if line != lines[0] {
			return time.Time{}, false
		}
	}
	text := lines[0]
	at, err := http.ParseTime(text)
	if err != nil || !strings.Contains(text, ",") && len(text) != len(time.ANSIC) || strings.Contains(text, ",") && strings.Contains(text, "  ") {
		return time.Time{}, false
	}
	i := strings.IndexByte(text, ':')
	return at, i >= 3 && text[i-3] == ' ' // two digits of the hour
}

// dateOf is when the answer was made, as the origin says.
func dateOf(h http.Header, now time.Time) time.Time {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		return date
	}
	return now
}

// AgeOf is an answer's age as it arrives: the first member of Age, and nothing
// where that is no number of seconds (section 5.1). The clocks are not compared
// (section 4.2.3 allows either way), and the time that the origin took is not added:
// an answer that it held back is made at the end of that time.
func AgeOf(h http.Header) time.Duration {
	first, _, _ := strings.Cut(h.Get("Age"), ",")
	n, ok := digits(strings.Trim(first, " \t"))
	if !ok {
		return 0
	}
	return time.Duration(n) * time.Second
}
