package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"
)

// calling dials anew for each request, and tells whether the session was resumed, and
// what the answer's status was.
func calling(t *testing.T, b *Bundle, address string, want Want) (resumed bool, status int, err error) {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: b.Client("127.0.0.1", want, ProtocolHTTP), DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: tr}).Get("https://" + address + "/")
	if err != nil {
		return false, 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.TLS.DidResume, resp.StatusCode, err
}

func TestSecondConnectionOfANodeResumesItsSession(t *testing.T) {
	c := newTown(t)
	lb, edge, sibling := c.node(Balancer, "lb-1"), c.node(Edge, "edge-1"), c.node(Balancer, "lb-2")
	address, _ := serve(t, edge)
	other, _ := serve(t, c.node(Edge, "edge-2"))
	for i, row := range []struct {
		who     *Bundle
		address string
		node    string
		resumed bool
	}{
		{lb, address, "edge-1", false},
		{lb, address, "edge-1", true},
		{lb, address, "edge-1", true}, // by the ticket of a resumed one
		{lb, other, "edge-2", false},  // at the same host
		{lb, address, "edge-1", true}, // not forgotten for the other one
		{sibling, address, "edge-1", false},
	} {
		resumed, status, err := calling(t, row.who, row.address, Want{Role: Edge, Node: row.node})
		if err != nil || status != http.StatusOK || resumed != row.resumed {
			t.Errorf("connection %d: resumed %v, %d %v", i, resumed, status, err)
		}
	}
	if _, _, err := calling(t, lb, address, Want{Role: Edge, Node: "edge-2"}); !errors.Is(err, ErrRole) {
		t.Error("edge-1 passes for edge-2:", err)
	}
}

// A certificate is renewed between a handshake and the ticket that comes of it: the next
// connection shows the new one.
func TestTicketThatComesAfterARenewalIsNotUsed(t *testing.T) {
	c := newTown(t)
	lb := c.node(Balancer, "lb-1")
	address, _ := serve(t, c.node(Edge, "edge-1"))
	conn, err := tls.Dial("tcp", address, lb.Client("127.0.0.1", Want{Role: Edge}, ProtocolHTTP))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	issue(t, lb.Dir(), c.ca, Grant{Role: Balancer, Node: "lb-1", Version: 2, Addresses: []string{"127.0.0.1"}}, c.now)
	if _, err := lb.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil { // the ticket comes first
		t.Fatal(err)
	}
	for i, want := range []bool{false, true} {
		if resumed, _, err := calling(t, lb, address, Want{Role: Edge}); err != nil || resumed != want {
			t.Errorf("connection %d: resumed %v, %v", i, resumed, err)
		}
	}
}

// What counts now decides, not what counted when the session began.
func TestNoSessionOutlivesTheTrustThatItBeganWith(t *testing.T) {
	second, err := NewAuthority("", moment)
	if err != nil {
		t.Fatal(err)
	}
	for what, row := range map[string]struct {
		change func(c *town, server, client *Bundle) error
		status int
		err    error
	}{
		"the client is revoked": {func(_ *town, server, _ *Bundle) error {
			server.Revoke(map[string]uint64{"lb-1": 1})
			return nil
		}, http.StatusForbidden, nil},
		"another one is revoked": {func(_ *town, server, _ *Bundle) error {
			server.Revoke(map[string]uint64{"lb-2": 1})
			return nil
		}, http.StatusOK, nil},
		"the server is revoked": {func(_ *town, _, client *Bundle) error {
			client.Revoke(map[string]uint64{"edge-1": 1})
			return nil
		}, 0, ErrRevoked},
		"the server trusts another root too": {func(c *town, server, _ *Bundle) error {
			return server.Trust(append(append([]byte(nil), c.ca.Root()...), second.Root()...))
		}, http.StatusOK, nil},
		"the client comes back with a new certificate": {func(c *town, server, client *Bundle) error {
			server.Revoke(map[string]uint64{"lb-1": 1})
			issue(c.t, client.Dir(), c.ca, Grant{Role: Balancer, Node: "lb-1", Version: 2, Addresses: []string{"127.0.0.1"}}, c.now)
			_, err := client.Reload()
			return err
		}, http.StatusOK, nil},
		"the client's certificate is renewed": {func(c *town, _, client *Bundle) error {
			issue(c.t, client.Dir(), c.ca, Grant{Role: Balancer, Node: "lb-1", Version: 2, Addresses: []string{"127.0.0.1"}}, c.now)
			_, err := client.Reload()
			return err
		}, http.StatusOK, nil},
		"the server's certificate is renewed": {func(c *town, server, _ *Bundle) error {
			issue(c.t, server.Dir(), c.ca, Grant{Role: Edge, Node: "edge-1", Version: 2, Addresses: []string{"127.0.0.1"}}, c.now)
			_, err := server.Reload()
			return err
		}, http.StatusOK, nil},
	} {
		c := newTown(t)
		client, server := c.node(Balancer, "lb-1"), c.node(Edge, "edge-1")
		address, _ := serve(t, server)
		for i := range 2 {
			if resumed, _, err := calling(t, client, address, Want{Role: Edge}); err != nil || resumed != (i == 1) {
				t.Fatalf("%s: before it, connection %d: resumed %v, %v", what, i, resumed, err)
			}
		}
		if err := row.change(c, server, client); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		resumed, status, err := calling(t, client, address, Want{Role: Edge})
		if resumed || status != row.status || !errors.Is(err, row.err) {
			t.Errorf("%s: resumed %v, %d %v", what, resumed, status, err)
		}
	}
}

// Who is known costs no signature, and is judged by the clock and the revocations all
// the same; other roots know nobody.
func TestKnownCertificateIsJudgedByWhatCountsNow(t *testing.T) {
	c := newTown(t)
	lb, edge := c.node(Balancer, "lb-1"), c.node(Edge, "edge-1")
	certs := edge.Self().Chain()
	identify := func(after time.Duration) error {
		_, err := lb.now.Load().identify(certs, moment.Add(after))
		return err
	}
	if err := identify(time.Second); err != nil || !lb.now.Load().verified.holds(certs[0], moment) {
		t.Fatal("it is not known:", err)
	}
	for after, want := range map[time.Duration]error{time.Hour: nil, NodeLife + time.Hour: ErrExpired, -time.Hour: ErrClock} {
		if err := identify(after); !errors.Is(err, want) {
			t.Errorf("after %v: %v, want %v", after, err, want)
		}
	}
	other, err := NewAuthority("", moment)
	if err != nil {
		t.Fatal(err)
	}
	if lb.Revoke(map[string]uint64{"edge-1": 1}); !errors.Is(identify(time.Second), ErrRevoked) {
		t.Error("revoked:", identify(time.Second))
	}
	next := *lb.now.Load()
	if err := next.trust(other.Root()); err != nil {
		t.Fatal(err)
	}
	if _, err := next.identify(certs, moment.Add(time.Second)); !errors.Is(err, ErrForeign) {
		t.Error("by another root:", err)
	}
	for range verifiedMost + 1 {
		lb.now.Load().verified.note(&x509.Certificate{Raw: make([]byte, len(lb.now.Load().verified.by))}, [][]*x509.Certificate{{}})
	}
	if n := len(lb.now.Load().verified.by); n > verifiedMost {
		t.Error(n, "are known")
	}
}
