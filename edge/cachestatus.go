package edge

import (
	"net/http"
	"strconv"
	"time"

	"tandem/segstore"
)

// Why a request went forward (RFC 9211 section 2.2).
const (
	forwardMiss   = "uri-miss"
	forwardVary   = "vary-miss"
	forwardStale  = "stale"
	forwardMethod = "method"
)

// found says how an object was come by, for Cache-Status.
type found struct {
	outcome segstore.Outcome
	why     string // it was asked for; "": it was here
	status  int    // of the answer that was got for this request; 0: not known
	stale   bool   // the copy from before is given
}

// says is the edge's member of Cache-Status, behind its name.
func (f found) says(m *segstore.Meta, now time.Time) string {
	text := "; hit"
	if f.why != "" {
		text = f.forwarded()
		if !f.stale && f.status != http.StatusNotModified && (m.Status < 500 || m.Fresh.After(now)) {
			text += "; stored"
		}
	}
	if (f.why == "" || f.stale) && !m.Fresh.IsZero() {
		text += "; ttl=" + strconv.FormatInt(int64(m.Fresh.Sub(now)/time.Second), 10)
	}
	if f.outcome == segstore.Joined && !f.stale {
		text += "; collapsed"
	}
	return text
}

// forwarded is the same for an answer that is not stored.
func (f found) forwarded() string {
	text := "; fwd=" + f.why
	if f.status != 0 {
		text += "; fwd-status=" + strconv.Itoa(f.status)
	}
	return text
}
