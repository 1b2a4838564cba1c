package edge

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"tandem/edge/entire"
	"tandem/edge/fetch"
	"tandem/edge/manifest"

	"tandem/edge/rules"
	"tandem/edge/upstream"

	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/segstore"
)

// head writes what an answer with an object says, all but what a body that grows
// adds to it.
func (e *Edge) head(h rules.Header, m *segstore.Meta, x *request, how rules.CacheStatus, y rules.Plan) {
	now := e.now()
	if x.Peer {
		rules.DescribeFields(h, m)
	} else {
		h.Lines(y.Lines(m))
	}
	if !x.Node {
		y.Metadata(h, m, rules.ShownTag(m.ETag))
	} else {
		y.Metadata(h, m, m.ETag)
		rules.DescribeCopy(h, m, e.clock.Ahead())
		if y.Status >= http.StatusInternalServerError {
			h.Set(wire.HeaderReason, reasonPassed)
		}
	}
	if y.Says("Accept-Ranges") {
		h.Set("Accept-Ranges", "bytes")
	}
	h.Set("Age", strconv.FormatInt(max(int64(now.Sub(m.Stored)/time.Second), 0), 10))
	cors(h, rules.KeptCORS(m))
	h.Add("Cache-Status", e.cfg.Name+how.Says(m, now))
	y.Extent(h, m)
}

// cors is what browsers' players need (FIELD.md B15), beside what the origin lets pages
// read. Credentialed: whose pages may is the origin's word.
func cors(h rules.Header, credentialed bool) {
	if !credentialed {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	h.Add("Access-Control-Expose-Headers", "Age, Content-Length, Content-Range, Date, ETag, Retry-After, Server-Timing, Cache-Status, CMSD-Static, CMSD-Dynamic")
	h.Set("Timing-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// fail turns an error into an answer: the one place where that is done.
func (e *Edge) fail(w http.ResponseWriter, r *http.Request, x request, how rules.CacheStatus, err error) {
	switch {
	case errors.Is(err, fetch.ErrPass) && !x.Peer:
		e.pass(w, r, x, how)
	case errors.Is(err, fetch.ErrPass): // it asks the origin for itself
		w.Header().Set(wire.HeaderPassed, strconv.Itoa(cmp.Or(how.Status, http.StatusOK)))
		call.Refuse(w, http.StatusNotFound, "not_here", "the answer is not for the store")
	case errors.Is(err, fetch.ErrWhole) && x.Peer:
		w.Header().Set(wire.HeaderSlice, entire.Said(err))
		call.Refuse(w, http.StatusNotFound, "not_here", "the object is to be had whole")
	case errors.Is(err, fetch.ErrOnlyCached):
		call.Refuse(w, http.StatusGatewayTimeout, "only_if_cached", "no fresh copy is here, and only one was asked for")
	case errors.Is(err, fetch.ErrNotHere):
		call.Refuse(w, http.StatusNotFound, "not_here", "this edge holds no complete and fresh copy of "+x.Path)
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the viewer has gone
	case errors.Is(err, fetch.ErrDeadly):
		call.Refuse(w, http.StatusBadGateway, wire.ReasonDeadly, "edges died under this request a moment ago, and it is asked of no origin")
	case errors.Is(err, manifest.ErrBusy):
		e.log.Warn().Err(err).Str("key", x.Key).Msg("manifest not read in time")
		call.Refuse(w, http.StatusServiceUnavailable, reasonBusy, "too many large manifests are read at once; see --manifest-limit")
	case errors.Is(err, context.DeadlineExceeded):
		call.Refuse(w, http.StatusGatewayTimeout, reasonOrigin, "the origin did not answer in time; see --origin-timeout")
	case errors.Is(err, upstream.ErrLed):
		e.log.Warn().Err(err).Str("key", x.Key).Msg("redirect not followed")
		call.Refuse(w, http.StatusBadGateway, reasonOrigin, "the origin redirects to this machine, its link or a listener of the cluster, where no redirect is followed; see redirects of --upstreams")
	case errors.Is(err, fetch.ErrOrigin):
		e.log.Warn().Err(err).Str("key", x.Key).Msg("origin failed")
		call.Refuse(w, http.StatusBadGateway, reasonOrigin, "the origin does not answer; see --origin")
	default:
		e.log.Warn().Err(err).Str("key", x.Key).Msg("object can't be filled")
		call.Refuse(w, http.StatusBadGateway, "fill_failed", "the object could not be filled")
	}
}

// Reasons of answers above 499 to nodes. With one, a balancer gives the answer to
// the viewer; without, it takes this edge for the cause and asks another.
const (
	reasonOrigin = call.ReasonBroke
	reasonPassed = "origin_answered" // it is the origin's own answer
	reasonBusy   = "manifests_busy"  // large ones wait for each other
)
