package transport

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"tandem/internal/identity"
)

// namedStreams are those of a node of a cluster with identities.
func namedStreams(t *testing.T, ca *identity.Authority, role identity.Role, name string) *streams {
	t.Helper()
	dir := t.TempDir()
	if err := identity.Enrol(dir, ca, identity.Grant{Role: role, Node: name, Addresses: []string{"127.0.0.1"}, Version: 3}, time.Now()); err != nil {
		t.Fatal(err)
	}
	id, err := identity.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openStreams(Options{Listener: listen(t), Name: name, Key: []byte(testSecret), Identity: id})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newCA(t *testing.T) *identity.Authority {
	t.Helper()
	ca, err := identity.NewAuthority("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// Where nodes have names a balancer's Raft is for balancers of its cluster alone, the
// secret is not enough, and nothing that is said can be read on the way.
func TestBalancersMeetByTheirCertificates(t *testing.T) {
	ca := newCA(t)
	a, b := namedStreams(t, ca, identity.Balancer, "lb-1"), namedStreams(t, ca, identity.Balancer, "lb-2")
	other := meet(t, a, b, "lb-2@"+to(b))
	for what, s := range map[string]*streams{
		"an edge":                   namedStreams(t, ca, identity.Edge, "lb-3"),
		"one of another cluster":    namedStreams(t, newCA(t), identity.Balancer, "lb-1"),
		"one that knows the secret": newStreams(t, testSecret),
	} {
		if conn, err := s.Dial("lb-2@"+to(b), time.Second); err == nil {
			conn.Close()
			t.Errorf("%s is let in", what)
		}
	}
	if _, err := a.Dial("lb-9@"+to(b), time.Second); !errors.Is(err, identity.ErrRole) {
		t.Errorf("lb-2 is taken for lb-9: %v", err)
	}
	// A revoked one is cut off, in the middle of whatever it says.
	b.identity.Revoke(map[string]uint64{"lb-1": 3})
	b.endUntrusted()
	if err := other.SetReadDeadline(time.Now().Add(5 * time.Second)); err == nil {
		_, err = other.Read(make([]byte, 1))
		if err == nil || errors.As(err, new(net.Error)) && err.(net.Error).Timeout() {
			t.Errorf("still connected: %v", err)
		}
	}
	if _, err := a.Dial(raft.ServerAddress("lb-2@"+to(b)), time.Second); err == nil {
		t.Error("and let in again")
	}
}

// A balancer that was moved, and whose line names the old address, is found where it
// listens: nobody answers at the old one, or somebody else has it by now. Where both are
// its own the line counts.
func TestABalancerIsFoundWhereItListens(t *testing.T) {
	ca := newCA(t)
	a, b, other := namedStreams(t, ca, identity.Balancer, "lb-1"), namedStreams(t, ca, identity.Balancer, "lb-2"), namedStreams(t, ca, identity.Balancer, "lb-3")
	known := newAddresses()
	a.second = known.second
	gone := listen(t)
	nobody := gone.Addr().String()
	gone.Close()
	for what, row := range map[string]struct{ line, also, want string }{
		"nobody has the old one":        {nobody, string(to(b)), string(to(b))},
		"another one has the old one":   {string(to(other)), string(to(b)), string(to(b))},
		"both are its own":              {string(to(b)), nobody, string(to(b))},
		"another one has the new one":   {nobody, string(to(other)), ""},
		"it says nothing of where else": {nobody, "", ""},
	} {
		known.also["lb-2"] = raft.ServerAddress(row.also)
		conn, err := a.Dial(raft.ServerAddress("lb-2@"+row.line), time.Second)
		got := ""
		if err == nil {
			got = conn.RemoteAddr().String()
			conn.Close()
		}
		if got != row.want {
			t.Errorf("%s: connected to %q, %v", what, got, err)
		}
	}
}
