package rules

import (
	"net/http"
	"strconv"
	"time"

	"tandem/segstore"
)

// Why a request went forward (RFC 9211 section 2.2).
const (
	ForwardMiss   = "uri-miss"
	ForwardVary   = "vary-miss"
	ForwardStale  = "stale"
	ForwardMethod = "method"
)

// CacheStatus says how an object was come by, for Cache-Status.
type CacheStatus struct {
	Outcome segstore.Outcome
	Why     string // it was asked for; "": it was here
	Status  int    // of the answer that was got for this request; 0: not known
	Stale   bool   // the copy from before is given
	Unkept  bool   // nobody keeps it
}

// Says is the edge's member of Cache-Status, behind its name.
func (f CacheStatus) Says(m *segstore.Meta, now time.Time) string {
	text := "; hit"
	if f.Why != "" {
		text = f.Forwarded()
		if !f.Stale && !f.Unkept && f.Status != http.StatusNotModified && (!Fails(m.Status) || m.Fresh.After(now)) {
			text += "; stored"
		}
	}
	if (f.Why == "" || f.Stale) && !m.Fresh.IsZero() {
		text += "; ttl=" + strconv.FormatInt(int64(m.Fresh.Sub(now)/time.Second), 10)
	}
	if f.Outcome == segstore.Joined && !f.Stale {
		text += "; collapsed"
	}
	return text
}

// Forwarded is the same for an answer that is not stored.
func (f CacheStatus) Forwarded() string {
	text := "; fwd=" + f.Why
	if f.Status != 0 {
		text += "; fwd-status=" + strconv.Itoa(f.Status)
	}
	return text
}
