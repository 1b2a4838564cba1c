package upstream

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/wire"
)

// An origin of the cluster is asked by what nodes show each other, and by nothing else:
// an edge without a certificate does not ask it at all.
func TestAnOriginOfTheClusterIsAskedAsANode(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("object")) }))
	defer server.Close()
	row := wire.Upstream{Prefix: "/", Node: true, Servers: []wire.UpstreamServer{{URL: server.URL}}}
	if _, err := New(Config{HeadTimeout: time.Second}, Deps{}, []wire.Upstream{row}); !errors.Is(err, errNoIdentity) {
		t.Error("without an identity:", err)
	}
	if err := Check([]wire.Upstream{row}); err != nil {
		t.Error("a list that is right:", err)
	}
	hosts := []string{}
	nodes := func(host string) *tls.Config {
		hosts = append(hosts, host)
		return &tls.Config{InsecureSkipVerify: true} // the test's server is no node
	}
	u, err := New(Config{HeadTimeout: 5 * time.Second}, Deps{Nodes: nodes}, []wire.Upstream{row, {Prefix: "/public/", Servers: row.Servers}})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	resp, err := u.Do(t.Context(), &Request{Method: http.MethodGet, Target: "/x"})
	if err != nil || len(hosts) != 1 || hosts[0] != "127.0.0.1" {
		t.Fatal(err, hosts)
	}
	_ = resp.Body.Close()
	if _, err := u.Do(t.Context(), &Request{Method: http.MethodGet, Target: "/public/x"}); !errors.Is(err, ErrConnect) {
		t.Error("the same server by the system's roots:", err)
	}
	if !u.Node("/x") || u.Node("/public/x") || len(hosts) != 1 {
		t.Error("which upstream is the cluster's:", hosts)
	}
}

// flipping leads connections to a server, and flips a bit of what it says first on so many
// of them.
func flipping(t *testing.T, to string, bad int32) (address string, came *atomic.Int32) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	came = new(atomic.Int32)
	lead := func(client net.Conn, flip bool) {
		server, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			return
		}
		go func() { _, _ = io.Copy(server, client) }()
		part := make([]byte, 4096)
		for i := 0; ; i++ {
			n, err := server.Read(part)
			if err != nil {
				break
			}
			if flip && i == 0 {
				part[n-1] ^= 1
			}
			_, _ = client.Write(part[:n])
		}
		_ = client.Close()
	}
	go func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			go lead(client, came.Add(1) <= bad)
		}
	}()
	return ln.Addr().String(), came
}

// A bit that is flipped on the way costs nobody an object: a handshake that was altered is
// begun once more, and no third time; a certificate that is not the origin's is asked for once.
func TestAHandshakeThatWasAlteredIsBegunOnceMore(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("object")) }))
	defer server.Close()
	for _, row := range []struct {
		bad, dials  int32
		known, well bool
	}{{1, 2, true, true}, {2, 2, true, false}, {0, 1, false, false}} {
		address, came := flipping(t, server.Listener.Addr().String(), row.bad)
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		d := &dialer{host: host, port: port, limit: 5 * time.Second, now: time.Now, bad: map[netip.Addr]time.Time{}, dialled: map[netip.Addr]bool{}}
		conn, err := d.dialTLS(t.Context(), "tcp", address, &tls.Config{InsecureSkipVerify: row.known, ServerName: host})
		if (err == nil) != row.well || came.Load() != row.dials {
			t.Errorf("%d altered: %d connections, %v", row.bad, came.Load(), err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}
