package lb

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem/internal/h1/h1test"
)

// What RFC 9110 and RFC 9112 demand of whoever reads a request, plain and with TLS, asked
// as by POST and as by GET, of a session's object.
func TestMustsOfHTTPAtABalancer(t *testing.T) {
	cert, key := newCertificate(t)
	c := newStage(t, stageOptions{edges: 2, capacity: 100, config: func(c *Config) {
		c.TLSListen, c.TLSCert, c.TLSKey = "127.0.0.1:0", cert, key
	}})
	secure := c.lb.Secure(c.lb.Handler(), c.lb.Relays)
	ln := listen(t)
	over := make(chan error, 1)
	go func() { over <- secure.Serve(ln) }()
	defer func() { _ = secure.Close(); <-over }()
	resp, _ := c.request(c.client, http.MethodGet, c.url+entryPath, nil)
	path := resp.Header.Get("Location")
	for name, dial := range map[string]func() (net.Conn, error){
		"plain": func() (net.Conn, error) { return net.Dial("tcp", strings.TrimPrefix(c.url, "http://")) },
		"TLS": func() (net.Conn, error) {
			return tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
		},
	} {
		for _, get := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				h1test.Target{Dial: dial, Path: path, Wait: 100 * time.Millisecond, Only: true, Get: get}.Try(t)
			})
		}
	}
}
