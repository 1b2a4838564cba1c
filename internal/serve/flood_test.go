package serve

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/certificate/certtest"
)

// secured serves with TLS until the test ends.
func secured(t *testing.T, of func(net.Listener, *tls.Config) (net.Listener, Server)) (address string) {
	t.Helper()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certtest.Write(t, cert, key, 1)
	pair, err := tls.LoadX509KeyPair(cert, key)
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	on, server := of(ln, &tls.Config{Certificates: []tls.Certificate{pair}})
	served := make(chan error, 1)
	go func() { served <- server.Serve(on) }()
	t.Cleanup(func() { _ = server.Close(); <-served })
	return ln.Addr().String()
}

func shaken(t *testing.T, address string, protocols ...string) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols})
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	must(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return c
}

func operators(ln net.Listener, config *tls.Config) (net.Listener, Server) {
	l := Admin(ln, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		all, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = w.Write(all)
	}), config, func(string) (func(), bool) { return func() {}, true })
	return l.Socket, l.Server
}

// TestAnOperatorsClientThatAsksForNothingIsCutOff, as a viewer's is: net/http's server
// takes such frames for ever.
func TestAnOperatorsClientThatAsksForNothingIsCutOff(t *testing.T) {
	settings := []byte{0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100} // RFC 9113 section 6.5
	c := shaken(t, secured(t, operators), "h2")
	_, err := c.Write(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0, 0, 0, 4, 0, 0, 0, 0, 0))
	must(t, err)
	gone := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, c); close(gone) }()
	many, sent := bytes.Repeat(settings, 1000), 0
	for err == nil && sent < 64<<20 {
		var n int
		n, err = c.Write(many)
		sent += n
	}
	if err == nil {
		t.Fatalf("%d bytes were taken", sent)
	}
	<-gone
}

// TestAnOperatorsBodyIsNotTakenForNoise: what a backup holds comes by either protocol.
func TestAnOperatorsBodyIsNotTakenForNoise(t *testing.T) {
	address := secured(t, operators)
	body := strings.Repeat("backup", 4<<20)
	for _, newer := range []bool{true, false} {
		client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: newer, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		resp, err := client.Post("https://"+address, "", strings.NewReader(body))
		must(t, err)
		got, err := io.ReadAll(resp.Body)
		must(t, err)
		if string(got) != body || resp.ProtoAtLeast(2, 0) != newer {
			t.Errorf("%s: %s, %d bytes", resp.Proto, resp.Status, len(got))
		}
		_ = resp.Body.Close()
		client.CloseIdleConnections()
	}
}

// TestHTTP2IsForThoseWhoBoundIt: nodes ask by HTTP/1.1, and nobody else by anything else.
func TestHTTP2IsForThoseWhoBoundIt(t *testing.T) {
	of := func(ln net.Listener, config *tls.Config) (net.Listener, Server) {
		return ln, HTTP(&http.Server{Handler: http.NotFoundHandler()}, config)
	}
	if got := shaken(t, secured(t, of), "h2", "http/1.1").ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("a listener of nodes speaks %q", got)
	}
	if got := shaken(t, secured(t, operators), "h2", "http/1.1").ConnectionState().NegotiatedProtocol; got != "h2" {
		t.Errorf("an operators' speaks %q", got)
	}
}
