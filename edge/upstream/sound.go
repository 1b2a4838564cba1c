package upstream

import (
	"errors"
	"fmt"
	"net/http"

	"tandem/internal/h1"
)

// errStatus is an answer whose status is no final one that this edge asked for: 101
// to a request without Upgrade, a number below, or 304 to one without a condition.
var errStatus = errors.New("no status of an answer to this request")

// sound is an answer without the fields whose names are none (RFC 9112 section 5.1),
// or the error that it is, closed.
func sound(resp *http.Response, r *Request) (*http.Response, error) {
	if resp.StatusCode < http.StatusOK || resp.StatusCode == http.StatusNotModified && !conditional(r.Header) {
		resp.Body.Close()
		return nil, fmt.Errorf("%w: %03d", errStatus, resp.StatusCode)
	}
	for name := range resp.Header {
		if !h1.IsToken(name) {
			delete(resp.Header, name) // whoever reads it next may take it for another one
		}
	}
	return resp, nil
}

// conditional tells whether a request can be answered with 304 (RFC 9110 section
// 15.4.5). Who has neither has no body to go with it.
func conditional(h http.Header) bool {
	return h.Get("If-None-Match") != "" || h.Get("If-Modified-Since") != ""
}
