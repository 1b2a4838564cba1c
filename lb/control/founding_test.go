package control

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"

	"tandem/internal/call"
)

// Who waits for others to begin says of each why it is not heard: a name that is none, a
// port where nobody listens, another secret are not the same mistake.
func TestWhyOneOfTheFirstIsMissed(t *testing.T) {
	asked := func(err error) error { return &url.Error{Op: "Get", URL: "http://lb-2:8080/_tandem/ping", Err: err} }
	for want, err := range map[string]error{
		"no balancer answers there": nil,
		"no balancer answers there; operators' listener is another port than nodes'": &call.StatusError{Status: http.StatusMethodNotAllowed},
		"it has another secret": &call.StatusError{Status: http.StatusForbidden},
		"connection refused":    asked(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}),
		"no answer":             asked(context.DeadlineExceeded),
		`Get "http://lb-2:8080/_tandem/ping": lookup lb-2: no such host`: asked(&net.DNSError{Err: "no such host", Name: "lb-2", IsNotFound: true}),
		"tls: nobody of this cluster":                                    errors.New("tls: nobody of this cluster"),
	} {
		if got := why(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}
