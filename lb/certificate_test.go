package lb

import (
	"crypto/tls"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"tandem/internal/certificate"
	"tandem/internal/certificate/certtest"
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
}
