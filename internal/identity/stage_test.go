package identity

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

var moment = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// town is a cluster's authority and a clock that all nodes share.
type town struct {
	t   *testing.T
	ca  *Authority
	now time.Time
}

func newTown(t *testing.T) *town {
	t.Helper()
	ca, err := NewAuthority("", moment)
	if err != nil {
		t.Fatal(err)
	}
	return &town{t: t, ca: ca, now: moment}
}

// node makes a node's identity, of this town's authority.
func (c *town) node(role Role, name string, more ...func(*Grant)) *Bundle {
	c.t.Helper()
	g := Grant{Role: role, Node: name, Addresses: []string{"127.0.0.1"}}
	for _, change := range more {
		change(&g)
	}
	dir := c.t.TempDir()
	issue(c.t, dir, c.ca, g, c.now)
	b, err := Open(dir, func() time.Time { return c.now })
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

func issue(t *testing.T, dir string, ca *Authority, g Grant, now time.Time) {
	t.Helper()
	key, request := newRequest(t)
	chain, err := ca.Issue(request, g, now)
	if err == nil {
		err = Save(dir, key, chain, ca.Root())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func newRequest(t *testing.T) (Key, []byte) {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	request, err := key.Request()
	if err != nil {
		t.Fatal(err)
	}
	return key, request
}

// serve lets a node answer other nodes with their names.
func serve(t *testing.T, b *Bundle) (address string, refused chan error) {
	t.Helper()
	refused = make(chan error, 16)
	h := b.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := PeerOf(r)
		_, _ = w.Write([]byte(p.String()))
	}), func(_ *http.Request, err error) { refused <- err })
	s := httptest.NewUnstartedServer(h)
	s.Listener.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Listener = tls.NewListener(ln, b.Server(ProtocolHTTP))
	s.Start()
	t.Cleanup(s.Close)
	return ln.Addr().String(), refused
}

// caller is a client that keeps its connection.
func caller(t *testing.T, b *Bundle, want Want) *http.Client {
	tr := &http.Transport{TLSClientConfig: b.Client("127.0.0.1", want, ProtocolHTTP)}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// dialBy dials as a node does, wherever a request is for.
func dialBy(b *Bundle, address string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return b.Dial(ctx, address, Want{Role: Balancer, Node: "lb-1"}, ProtocolHTTP)
	}
}
