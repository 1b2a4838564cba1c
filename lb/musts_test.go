package lb

import (
	"crypto/tls"
	"io"
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
		t.Run(name, func(t *testing.T) { refusedUnread(t, dial) })
	}
}

// refusedUnread: who asks whether its body is wanted hears at once that it is not.
func refusedUnread(t *testing.T, dial func() (net.Conn, error)) {
	conn, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = io.WriteString(conn, "POST /live/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	text, err := io.ReadAll(conn)
	if !strings.HasPrefix(string(text), "HTTP/1.1 405 ") {
		t.Errorf("%q, %v; want 405, and the connection's end", text, err)
	}
}
