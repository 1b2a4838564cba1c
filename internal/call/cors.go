package call

import (
	"net/http"
	"strings"

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

// corsAsked are the fields that players are known to send, Authorization apart from all
// others: a "*" does not name it (Fetch standard).
const corsAsked = "Range, If-Range, If-None-Match, If-Modified-Since, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status, X-Playback-Session-Id, Authorization"

// mostAsked bounds the names that a preflight is answered with, in bytes.
const mostAsked = 2 << 10

// Preflight answers OPTIONS. A page may send what fields it likes: they reach nothing but
// what GET reads. With credentials a page may ask too, as far as a browser is told here:
// whether it may read the answer that one says, by its origin's word (docs/caching.md), and
// a browser that was refused here would not hear it. Two hours is the most that
// browsers keep it.
func Preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	CORS(h)
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Headers", corsAsked+", *")
	if page := r.Header.Get("Origin"); page != "" && page != "null" && r.Header.Get("Access-Control-Request-Method") != "" {
		h.Set("Access-Control-Allow-Origin", page)
		h.Set("Access-Control-Allow-Credentials", "true")
		if asked := strings.Join(r.Header.Values("Access-Control-Request-Headers"), ", "); asked != "" && len(asked) <= mostAsked {
			h.Set("Access-Control-Allow-Headers", asked) // a "*" is a field of that name then
		}
		h.Set("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	}
	h.Set("Access-Control-Max-Age", "7200")
	h.Set("Allow", "GET, HEAD, OPTIONS")
	w.WriteHeader(http.StatusNoContent)
}
