package edge

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"tandem/segstore"
)

// head writes what an answer with an object says, all but what a body that grows
// adds to it.
func (e *Edge) head(h header, m *segstore.Meta, x *errand, how found, y verdict) {
	now := e.now()
	y.metadata(h, m)
	if x.node {
		describeCopy(h, m)
	}
	if y.says("Accept-Ranges") {
		h.Set("Accept-Ranges", "bytes")
	}
	h.Set("Age", strconv.FormatInt(max(int64(now.Sub(m.Stored)/time.Second), 0), 10))
	cors(h)
	status := e.cfg.Name
	switch {
	case how.outcome == segstore.Hit && !how.stale:
		status += "; hit"
		if !m.Fresh.IsZero() {
			status += "; ttl=" + strconv.FormatInt(int64(m.Fresh.Sub(now)/time.Second), 10)
		}
	case how.stale:
		status += "; fwd=stale"
	default:
		status += "; fwd=uri-miss; stored"
	}
	if how.outcome == segstore.Joined {
		status += "; collapsed"
	}
	h.Set("Cache-Status", status)
	y.extent(h, m)
}

// cors is what browsers' players need (FIELD.md B15).
func cors(h header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Age, Content-Length, Content-Range, Date, ETag, Retry-After, Server-Timing, Cache-Status, CMSD-Static, CMSD-Dynamic")
	h.Set("Timing-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// preflight answers OPTIONS.
func preflight(w http.ResponseWriter) {
	h := w.Header()
	cors(h)
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match, If-Modified-Since, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, X-Playback-Session-Id, Authorization")
	h.Set("Access-Control-Max-Age", "7200")
	h.Set("Allow", "GET, HEAD, OPTIONS")
	w.WriteHeader(http.StatusNoContent)
}

// fail turns an error into an answer: the one place where that is done.
func (e *Edge) fail(w http.ResponseWriter, r *http.Request, x errand, err error) {
	cors(w.Header())
	switch {
	case errors.Is(err, errPass) || errors.Is(err, segstore.ErrTooLarge):
		e.pass(w, r, x)
	case errors.Is(err, errNotHere):
		refuse(w, http.StatusNotFound, "not_here", "this edge holds no complete and fresh copy of "+x.path)
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the viewer has gone
	case errors.Is(err, context.DeadlineExceeded):
		refuse(w, http.StatusGatewayTimeout, reasonOrigin, "the origin did not answer in time; see --origin-timeout")
	case errors.Is(err, errOrigin):
		e.log.Warn().Err(err).Str("key", x.key).Msg("origin failed")
		refuse(w, http.StatusBadGateway, reasonOrigin, "the origin does not answer; see --origin")
	default:
		e.log.Warn().Err(err).Str("key", x.key).Msg("object can't be filled")
		refuse(w, http.StatusBadGateway, "fill_failed", "the object could not be filled")
	}
}

const reasonOrigin = "origin_unavailable"
