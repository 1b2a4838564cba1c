package operator

import (
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxIssuer bounds an answer of an issuer, in bytes: what it says of itself, its keys, a
// token.
const maxIssuer = 1 << 20

// client is with what issuers are asked: each of their answers is bounded in time and in
// bytes, is theirs (no redirect is followed, which could carry a code and our secret to
// somebody else, or us into our own network), and comes by TLS.
func (p *providers) client() *http.Client {
	next := p.transport
	if next == nil {
		next = http.DefaultTransport
	}
	return &http.Client{
		Timeout: oidcLimit, Transport: issuerTransport{next},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type issuerTransport struct{ next http.RoundTripper }

// RoundTrip is an http.RoundTripper's.
func (t issuerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !loopbackName(r.URL.Hostname()) {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, fmt.Errorf("the issuer names %s, which is not https", r.URL.Host)
	}
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		resp.Body = &boundedBody{resp.Body, maxIssuer}
	}
	return resp, err
}

var errLong = errors.New("the issuer's answer is too long")

// boundedBody fails when more comes than may.
type boundedBody struct {
	io.ReadCloser
	left int
}

// Read is an io.Reader's.
func (b *boundedBody) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLong
	}
	n, err := b.ReadCloser.Read(into[:min(len(into), b.left)])
	b.left -= n
	return n, err
}
