package access

import (
	"fmt"
	"net/http"
)

// Reasons of refusals, for machines.
const (
	ReasonMissing = "token_missing"
	ReasonInvalid = "token_invalid" // not one of ours, or not understood
	ReasonExpired = "token_expired"
	ReasonEarly   = "token_early" // not valid yet
	ReasonScope   = "token_scope" // for another path, method or viewer
	ReasonAddress = "address"
	ReasonCountry = "country"
)

// Refusal is why a viewer may not open a stream.
type Refusal struct {
	Reason string
	Text   string
}

func (r *Refusal) Error() string { return r.Text }

// Status is how it is answered: 401 where a token would help.
func (r *Refusal) Status() int {
	if r.Reason == ReasonMissing {
		return http.StatusUnauthorized
	}
	return http.StatusForbidden
}

func refuse(reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Text: fmt.Sprintf(format, args...)}
}
