package edge

import (
	"encoding/json"
	"errors"
	"net/http"

	"tandem/internal/wire"
)

// Errors of a request.
var (
	errForbidden  = errors.New("403: refused, another secret?")
	errPass       = errors.New("not for the store")            // the answer may not be stored: ask again, for this viewer alone
	errOnlyCached = errors.New("only a copy was asked for")    // RFC 9111 section 5.2.1.7
	errOrigin     = errors.New("the origin does not answer")   // no head from it
	errNotHere    = errors.New("not in this store")            // Only-Cached
	errShort      = errors.New("the body ended early")         // visible as a broken connection
	errChanged    = errors.New("the object changed meanwhile") // another version came when the rest was asked for
)

// refuse answers with one line for people and one word for programs.
func refuse(w http.ResponseWriter, status int, reason, text string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set(wire.HeaderReason, reason)
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "5")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text, "reason": reason})
}
