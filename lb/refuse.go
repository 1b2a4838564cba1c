package lb

import (
	"encoding/json"
	"net/http"

	"tandem/internal/wire"
)

// Reasons of this balancer's own refusals; those of package wire come from the
// choice and from edges.
const (
	reasonMethod = "method"
	reasonPath   = "bad_path"
	reasonToken  = "bad_token"
	reasonStream = "other_stream"
	reasonOrigin = "origin"
	reasonUnused = "not_found"
	reasonBody   = "bad_body"
)

// Shared values, never changed.
var (
	corsAll      = []string{"*"}
	corsExposed  = []string{"Age, Content-Length, Content-Range, Date, ETag, Retry-After, Server-Timing, Cache-Status, CMSD-Static, CMSD-Dynamic, " + wire.HeaderReason}
	corsResource = []string{"cross-origin"}
)

// cors is what browsers' players need on every answer (FIELD.md B15).
func cors(h http.Header) {
	h["Access-Control-Allow-Origin"] = corsAll
	h["Access-Control-Expose-Headers"] = corsExposed
	h["Timing-Allow-Origin"] = corsAll
	h["Cross-Origin-Resource-Policy"] = corsResource
}

// preflight answers OPTIONS. Two hours is the most that browsers keep it.
func preflight(w http.ResponseWriter) {
	h := w.Header()
	cors(h)
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match, If-Modified-Since, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, X-Playback-Session-Id, Authorization")
	h.Set("Access-Control-Max-Age", "7200")
	h.Set("Allow", "GET, HEAD, OPTIONS")
	w.WriteHeader(http.StatusNoContent)
}

// problem is the body of every error: one line for people, one word for programs.
type problem struct {
	Error  string `json:"error"`
	Reason string `json:"reason"`
}

// refuse gives a viewer an answer of the balancer's own.
func refuse(w http.ResponseWriter, status int, reason, text string) {
	h := w.Header()
	cors(h)
	h.Set(wire.HeaderReason, reason)
	if status == http.StatusServiceUnavailable || status == http.StatusBadGateway {
		h.Set("Retry-After", "5")
	}
	reply(w, status, problem{text, reason})
}

// reply writes JSON that nobody may keep.
func reply(w http.ResponseWriter, status int, answer any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // whoever has gone can't be told
}

// refusals says each reason to people.
var refusals = map[string]string{
	wire.ReasonLimit:    "every edge that stores the stream has as many viewers as it may have",
	wire.ReasonPairFull: "the pair of edges that stores the stream is full",
	wire.ReasonSideFull: "the pair of edges that stores the stream is full",
	wire.ReasonFailSafe: "the edges stand in for one that is missing and take no new stream",
	wire.ReasonDraining: "the edges that store the stream are being taken out of service",
	wire.ReasonStale:    "the cluster is changing; try again",
	wire.ReasonCluster:  "the cluster is full",
	wire.ReasonNoEdge:   "no edge is alive",
	wire.ReasonQuorum:   "the stream is new, and the balancers can't agree on a place for it now",
	reasonOrigin:        "the origin does not answer",
}
