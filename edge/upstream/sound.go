package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"tandem/edge/rules"
	"tandem/internal/h1"
)

var (
	// errStatus is an answer whose status is no final one that this edge asked for: 101
	// to a request without Upgrade, a number below, or 304 to one without a condition.
	// One above 599 is given on, as other proxies do, and is an error of the origin's
	// (RFC 9110 section 15).
	errStatus = errors.New("no status of an answer to this request")
	// errFields is an answer with more fields, or longer ones, than a balancer takes of an
	// edge (h1.Edges): it would take the edge for broken.
	errFields = errors.New("too large a head")
	// errLength is a body that would be longer than a balancer reads a length.
	errLength = errors.New("no length of a body")
)

// sound is an answer without the fields whose names are none (RFC 9112 section 5.1),
// or the error that it is, closed.
func sound(resp *http.Response, r *Request) (*http.Response, error) {
	if status := resp.StatusCode; status < http.StatusOK || status == http.StatusNotModified && !conditional(r.Header) {
		resp.Body.Close()
		return nil, fmt.Errorf("%w: %03d", errStatus, status)
	}
	if _, ok := h1.Number(strconv.FormatInt(max(resp.ContentLength, 0), 10)); !ok {
		resp.Body.Close()
		return nil, fmt.Errorf("%w: %d bytes", errLength, resp.ContentLength)
	}
	fields, size := 0, 0
	for name, values := range resp.Header {
		switch {
		case !h1.IsToken(name):
			delete(resp.Header, name) // whoever reads it next may take it for another one
		case !rules.IsTag(name): // those stay here, however many there are
			fields += len(values)
			for _, value := range values {
				size += len(name) + len(value) + len(": \r\n")
			}
		}
	}
	if fields > h1.Origins.Fields || size > h1.Origins.Head {
		resp.Body.Close()
		return nil, fmt.Errorf("%w: %d fields, %d bytes", errFields, fields, size)
	}
	return resp, nil
}

// conditional tells whether a request can be answered with 304 (RFC 9110 section
// 15.4.5). Who has neither has no body to go with it.
func conditional(h http.Header) bool {
	return h.Get("If-None-Match") != "" || h.Get("If-Modified-Since") != ""
}
