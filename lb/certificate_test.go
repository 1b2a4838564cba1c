package lb

import (
	"crypto/tls"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"tandem/internal/certificate"
	"tandem/internal/certificate/certtest"
	"tandem/internal/wire"
)

// newCertificate is the files of a certificate and its key.
func newCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(t.TempDir(), "cert"), filepath.Join(t.TempDir(), "key")
	certtest.Write(t, cert, key, 1)
	return cert, key
}

// certificateOf opens it; it panics where a test's own files can't be read.
func certificateOf(cert, key string) *certificate.File {
	f, err := certificate.Open(cert, key, zerolog.Nop())
	if err != nil {
		panic(err)
	}
	return f
}

func TestViewersWithTLSGetHTTP2(t *testing.T) {
	cert, key := newCertificate(t)
	c := newStage(t, stageOptions{edges: 2, capacity: 8, config: func(c *Config) { c.TLSListen, c.TLSCert, c.TLSKey = "127.0.0.1:0", cert, key }})
	ln := listen(t)
	server := c.lb.Secure(c.lb.Handler(), c.lb.Relays)
	over := make(chan error, 1)
	go func() { over <- server.Serve(ln) }()
	defer func() { _ = server.Close(); <-over }()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for range 2 {
		resp, body := c.request(client, http.MethodGet, "https://"+ln.Addr().String()+entryPath, nil)
		if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 || string(body) != "object "+entryPath {
			t.Fatalf("%s %s %q", resp.Proto, resp.Status, body)
		}
	}
	if c.opened() != 1 {
		t.Fatalf("%d sessions on one connection", c.opened())
	}
	// Edges are told who asks so, by either version and from either kind of listener.
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}}
	for _, ask := range []struct {
		client *http.Client
		base   string
		want   string
	}{{client, "https://" + ln.Addr().String(), "https"}, {old, "https://" + ln.Addr().String(), "https"}, {&http.Client{}, c.url, ""}} {
		resp, _ := c.request(ask.client, http.MethodGet, ask.base+entryPath, nil, wire.HeaderScheme, "gopher")
		at := resp.Request.URL.Path
		c.request(ask.client, http.MethodGet, ask.base+at[:len(at)-len(entryPath)]+"/live/ch/1.ts", nil, wire.HeaderScheme, "gopher")
		schemes := ""
		for _, m := range []*member{c.member("edge-1"), c.member("edge-2")} {
			m.locked(func() {
				if m.asked["/live/ch/1.ts"] > 0 {
					schemes += m.scheme
				}
				m.asked["/live/ch/1.ts"] = 0
			})
		}
		if schemes != ask.want {
			t.Errorf("%s by HTTP/%d: an edge hears %q", ask.base, resp.ProtoMajor, schemes)
		}
	}
}
