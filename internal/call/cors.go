package call

import (
	"net/http"

	"tandem/internal/wire"
)

// Shared values, never changed.
var (
	corsAll      = []string{"*"}
	corsExposed  = []string{"Age, Content-Length, Content-Range, Date, ETag, Retry-After, Server-Timing, Cache-Status, CMSD-Static, CMSD-Dynamic, " + wire.HeaderReason}
	corsResource = []string{"cross-origin"}
)

// CORS is what browsers' players need on every answer (FIELD.md B15).
func CORS(h http.Header) {
	h["Access-Control-Allow-Origin"] = corsAll
	h["Access-Control-Expose-Headers"] = corsExposed
	h["Timing-Allow-Origin"] = corsAll
	h["Cross-Origin-Resource-Policy"] = corsResource
}

// Preflight answers OPTIONS. Two hours is the most that browsers keep it.
func Preflight(w http.ResponseWriter) {
	h := w.Header()
	CORS(h)
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match, If-Modified-Since, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, X-Playback-Session-Id, Authorization")
	h.Set("Access-Control-Max-Age", "7200")
	h.Set("Allow", "GET, HEAD, OPTIONS")
	w.WriteHeader(http.StatusNoContent)
}
