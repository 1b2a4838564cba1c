package call

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/identity"
	"tandem/internal/wire"
)

// town certifies nodes.
type town struct {
	t  *testing.T
	ca *identity.Authority
}

func (c town) node(role identity.Role, name string) *identity.Bundle {
	c.t.Helper()
	dir := c.t.TempDir()
	if err := identity.Enrol(dir, c.ca, identity.Grant{Role: role, Node: name, Addresses: []string{"127.0.0.1"}}, time.Now()); err != nil {
		c.t.Fatal(err)
	}
	b, err := identity.Open(dir, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

// listen lets a node say that it is edge-2, and returns its address.
func (c town) listen(role identity.Role, name string) string {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		Reply(w, http.StatusOK, wire.Pong{Name: "edge-2", Incarnation: 1})
	}))
	ln := s.Listener
	s.Listener = tls.NewListener(ln, c.node(role, name).Server(identity.ProtocolHTTP))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	c.t.Cleanup(s.Close)
	return ln.Addr().String()
}

// A node that answers where another one is expected hears nothing: neither by the
// shared client nor by a transport or a ping.
func TestANodeIsSpokenWithUnderItsOwnNameAlone(t *testing.T) {
	ca, err := identity.NewAuthority("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c := town{t, ca}
	edge2, edge3, lb, other := c.listen(identity.Edge, "edge-2"), c.listen(identity.Edge, "edge-3"), c.listen(identity.Balancer, "lb-1"), c.listen(identity.Edge, "edge-9")
	me := c.node(identity.Edge, "edge-1")
	p := &wire.Placement{
		Edges:     []wire.Edge{{Name: "edge-2", HTTP: "http://" + edge2, Incarnation: 1}, {Name: "edge-4", HTTP: "https://" + edge3, Incarnation: 1}},
		Balancers: []wire.Balancer{{Name: "lb-2", HTTP: "http://" + lb}},
	}
	for _, row := range []struct {
		at    string
		seeds []string
		says  string // empty: it is spoken with
	}{
		{at: edge2},
		{at: edge3, says: "edge-3 answers where edge-4 was to be"},
		{at: lb, says: "lb-1 answers where lb-2 was to be"},
		{at: other},
		{at: other, seeds: []string{"http://" + other + "/"}, says: "edge-9 is edge, not balancer"},
	} {
		client := NewClient("edge-1", wire.Secret{}, me)
		client.Expect(Whose(func() *wire.Placement { return p }, row.seeds...))
		own := client.Named(&http.Transport{})
		err := client.Ask(t.Context(), http.MethodGet, "http://"+row.at+"/", nil, nil)
		r, _ := http.NewRequest(http.MethodGet, "http://"+row.at+"/", nil)
		resp, byOwn := own.RoundTrip(r)
		if byOwn == nil {
			_ = resp.Body.Close()
		}
		for _, err := range []error{err, byOwn} {
			if (err == nil) != (row.says == "") || err != nil && (!strings.Contains(err.Error(), row.says) || !errors.Is(err, identity.ErrRole)) {
				t.Errorf("%+v: %v", row, err)
			}
		}
		client.Close()
	}
	client := NewClient("edge-1", wire.Secret{}, me)
	client.Expect(Whose(func() *wire.Placement { return p }))
	if err := client.Ping(t.Context(), time.Minute, p.Edges[0]); err != nil {
		t.Error(err)
	}
	if err := client.Ping(t.Context(), time.Minute, p.Edges[1]); !errors.Is(err, identity.ErrRole) {
		t.Error("another one's ping:", err)
	}
}

func TestAddressesAreThoseThatAreDialled(t *testing.T) {
	for base, want := range map[string]string{
		"http://lb:8080": "lb:8080", "http://lb": "lb:80", "https://lb/": "lb:443", "http://[::1]:9/": "[::1]:9", "http://%zz": "",
	} {
		if got := hostPort(base); got != want {
			t.Errorf("%s: %q, want %q", base, got, want)
		}
	}
}

func TestAnAddressIsTheLivingOnes(t *testing.T) {
	dead, lives := wire.Edge{Name: "edge-1", HTTP: "http://a:1", State: wire.EdgeDown}, wire.Edge{Name: "edge-5", HTTP: "http://a:1", State: wire.EdgeUp}
	for want, edges := range map[string][]wire.Edge{
		"edge-5": {dead, lives}, "edge-1": {dead}, "": {lives, {Name: "edge-6", HTTP: "https://a:1", State: wire.EdgeDraining}},
	} {
		for range 2 {
			if got := Whose(func() *wire.Placement { return &wire.Placement{Edges: edges} })("a:1"); got != (identity.Want{Role: identity.Edge, Node: want}) {
				t.Errorf("%v: %+v", edges, got)
			}
			slices.Reverse(edges)
		}
	}
}
