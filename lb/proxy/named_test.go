package proxy

import (
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/identity"
	"tandem/internal/wire"
	"tandem/lb/proxy/upstream"
)

// named is an edge that is known by its certificate.
type named struct {
	*httptest.Server
	name  string
	asked atomic.Int64
	cut   int // bytes of a body after which the connection ends; 0: none
}

func (e *named) target(as string) upstream.Target {
	return upstream.Target{Edge: as, Addr: e.Listener.Addr().String(), TLS: true}
}

func newNamed(t *testing.T, id *identity.Bundle, body []byte, cut int) *named {
	return startNamed(t, &named{name: id.Name().Node, cut: cut}, id, body, func(l net.Listener) net.Listener { return l })
}

// newNamedBehind is one whose connections come by a listener of the test's.
func newNamedBehind(t *testing.T, id *identity.Bundle, body []byte, by func(net.Listener) net.Listener) *named {
	return startNamed(t, &named{name: id.Name().Node}, id, body, by)
}

func startNamed(t *testing.T, e *named, id *identity.Bundle, body []byte, by func(net.Listener) net.Listener) *named {
	e.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.asked.Add(1)
		if r.Header.Get(wire.HeaderAuth) != "" {
			t.Error("a secret goes over the wire")
		}
		if p, err := id.Peer(r.TLS); err != nil || p.Node != "lb-1" {
			t.Errorf("%s is asked by %v, %v", e.name, p.Node, err)
		}
		w.Header().Set("ETag", `"one"`)
		if e.cut > 0 {
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write(body[:e.cut])
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "seg.m4s", time.Time{}, bytes.NewReader(body))
	}))
	e.Listener = tls.NewListener(by(e.Listener), id.Server(identity.ProtocolHTTP))
	e.Config.ErrorLog = log.New(io.Discard, "", 0)
	e.Start()
	t.Cleanup(e.Close)
	return e
}

func identities(t *testing.T) func(role identity.Role, name string) *identity.Bundle {
	ca, err := identity.NewAuthority("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return func(role identity.Role, name string) *identity.Bundle {
		dir := t.TempDir()
		err := identity.Enrol(dir, ca, identity.Grant{Role: role, Node: name, Addresses: []string{"127.0.0.1"}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		id, err := identity.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
}

// A response that breaks is finished over TLS as it is in clear; whoever answers at an
// edge's address and is another node, or of another cluster, is not asked at all.
func TestEdgesAreKnownByTheirCertificates(t *testing.T) {
	node := identities(t)
	body := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	secret, _ := wire.NewSecret("a secret that never leaves a node")
	good := newNamed(t, node(identity.Edge, "edge-2"), body, 0)
	for what, first := range map[string]*named{
		"breaks":             newNamed(t, node(identity.Edge, "edge-1"), body, 300_000),
		"another edge":       newNamed(t, node(identity.Edge, "edge-9"), body, 0),
		"no edge":            newNamed(t, node(identity.Origin, "edge-1"), body, 0),
		"of another cluster": newNamed(t, identities(t)(identity.Edge, "edge-1"), body, 0),
	} {
		var moves []Takeover
		p := New(Config{Silence: 2 * time.Second, FirstByte: 2 * time.Second, Total: 10 * time.Second, Connect: 2 * time.Second}, Deps{
			Name: "lb-1", Secret: secret, Identity: node(identity.Balancer, "lb-1"), Moved: func(m Takeover) { moves = append(moves, m) },
		})
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.Serve(w, r, Request{Target: "/a/seg.m4s", Viewer: "198.51.100.7", First: first.target("edge-1"), Next: func(tried []string) (upstream.Target, bool) {
				return good.target("edge-2"), !slices.Contains(tried, "edge-2")
			}})
		}))
		resp, err := http.Get(front.URL)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		front.Close()
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: %d bytes, %v", what, len(got), err)
		}
		if asked := first.asked.Load(); (asked > 0) != (what == "breaks") {
			t.Errorf("%s: asked %d times", what, asked)
		}
		if what == "breaks" && (len(moves) != 1 || !moves[0].OK || moves[0].Phase != "body") {
			t.Errorf("%s: %+v", what, moves)
		}
		p.pool.Sweep(func(*upstream.Conn) bool { return true })
	}
}

// A balancer without a certificate asks nobody who wants one, and says why.
func TestBalancerWithoutACertificateSaysSo(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, err := New(Config{}, Deps{}).dialer.Dial(t.Context(), upstream.Target{Edge: "edge-1", Addr: ln.Addr().String(), TLS: true}, false); err == nil || err.Error() != upstream.ErrNameless.Error() {
		t.Error(err)
	}
}

// What an edge has against this balancer's certificate is not its viewers': they are told
// that no edge could answer, and players ask again. An origin's own 403 is theirs.
func TestARefusalOfThisBalancerIsNoViewers(t *testing.T) {
	const refusal = "HTTP/1.1 403 Forbidden\r\n" + dated + "Tandem-Reason: certificate\r\nContent-Length: 7\r\n\r\nrevoked"
	for _, without := range []bool{false, true} {
		refuses := script(t, func(c net.Conn, _ string) { send(c, refusal) })
		forbids := script(t, func(c net.Conn, _ string) {
			send(c, "HTTP/1.1 403 Forbidden\r\n"+dated+"Content-Length: 2\r\n\r\nno")
		})
		for _, row := range []struct {
			edges  []upstream.Target
			status int
			body   string
		}{
			{[]upstream.Target{refuses.target("edge-1"), forbids.target("edge-2")}, http.StatusForbidden, "no"},
			{[]upstream.Target{refuses.target("edge-1"), refuses.target("edge-2")}, http.StatusBadGateway, "no edge could answer"},
		} {
			s := openSplices(t, spliceOptions{edges: row.edges, without: without})
			v := s.dial()
			v.ask(http.MethodGet, "/1")
			if a := v.read(http.MethodGet); a.status != row.status || !bytes.Contains(a.body, []byte(row.body)) || bytes.Contains(a.body, []byte("revoked")) {
				t.Errorf("without splices %v: %d %q", without, a.status, a.body)
			}
		}
	}
}
