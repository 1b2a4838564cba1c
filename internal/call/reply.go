package call

import (
	"encoding/json"
	"net/http"

	"tandem/internal/wire"
)

// Reasons of a node's own refusals; those of package wire come from the choice
// of an edge and from edges.
const (
	ReasonMethod = "method"
	ReasonPath   = "bad_path"
	ReasonToken  = "bad_token"
	ReasonStream = "other_stream"
	ReasonOrigin = "origin"
	ReasonUnused = "not_found"
	ReasonBody   = "bad_body"

	ReasonCertificate = "certificate"        // a node's, which does not count here (internal/rights)
	ReasonBroke       = "origin_unavailable" // it was asked, and what came was no whole answer
)

// Problem is the body of every error: one line for people, one word for programs.
type Problem struct {
	Error  string `json:"error"`
	Reason string `json:"reason"`
}

// Reply writes JSON that nobody may keep.
func Reply(w http.ResponseWriter, status int, answer any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // whoever has gone can't be told
}

// Refuse gives a viewer an answer of this node's own.
func Refuse(w http.ResponseWriter, status int, reason, text string) {
	h := w.Header()
	CORS(h)
	h.Set(wire.HeaderReason, reason)
	switch status {
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusTooManyRequests:
		h.Set("Retry-After", "5")
	}
	Reply(w, status, Problem{text, reason})
}

// RefuseNode is Refuse without what browsers need: for nodes and operators.
func RefuseNode(w http.ResponseWriter, status int, reason, text string) {
	Reply(w, status, Problem{text, reason})
}
