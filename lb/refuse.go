package lb

import (
	"net/http"

	"tandem/internal/access"
	"tandem/internal/call"
	"tandem/internal/wire"
)

// reasonEmpty: this balancer has just been started, and knows no cluster yet, or one of
// before.
const reasonEmpty = "no_placement"

// refusals says each reason to people.
var refusals = map[string]string{
	wire.ReasonLimit:    "every edge that stores the stream has as many viewers as it may have",
	wire.ReasonPairFull: "the pair of edges that stores the stream is full",
	wire.ReasonSideFull: "the pair of edges that stores the stream is full",
	wire.ReasonFailSafe: "the edges stand in for one that is missing and take no new stream",
	wire.ReasonDraining: "the edges that store the stream are being taken out of service",
	wire.ReasonStale:    "the cluster is changing; try again",
	wire.ReasonCluster:  "the cluster is full",
	wire.ReasonClient:   "this client opens more sessions than it plays",
	wire.ReasonNoEdge:   "no edge is alive",
	reasonEmpty:         "this balancer knows the cluster not yet, or as it was: the others have to let it in; try again, or another one",
	wire.ReasonQuorum:   "the stream is new, and the balancers can't agree on a place for it now",
	call.ReasonOrigin:   "the origin does not answer",
}

// keepOut refuses a viewer that is not let in.
func keepOut(w http.ResponseWriter, r *access.Refusal) (int, int64) {
	status := r.Status()
	switch {
	case r.Reason == reasonUnset:
		status = http.StatusServiceUnavailable
	case status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="tandem"`) // RFC 9110 section 11.6.1
	}
	call.Refuse(w, status, r.Reason, r.Text)
	return status, 0
}

// refuse tells a viewer, and the operators, that no session was opened for it.
func refuse(l *LB, w http.ResponseWriter, r *http.Request, stream, reason string) (int, int64) {
	if r.Context().Err() != nil {
		return 499, 0 // nobody is there to be told
	}
	l.counts.refused(reason)
	l.log.Warn().Str("reason", reason).Str("stream", stream).Str("client", hostOf(r.RemoteAddr)).Msg("a viewer was refused")
	l.events.Refused(wire.Event{Kind: "refused", Stream: stream, Text: "A viewer of " + stream + " was refused: " + refusals[reason] + "."}, reason)
	status := http.StatusServiceUnavailable
	if reason == wire.ReasonClient {
		status = http.StatusTooManyRequests
	}
	return l.deny(w, status, reason, refusals[reason])
}
