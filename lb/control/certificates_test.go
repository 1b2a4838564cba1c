package control

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"tandem/internal/identity"
	"tandem/internal/wire"
)

// The end of a root is not given while it would shut somebody out: each edge and
// balancer of the placement, down or not, and each origin that has spoken, has to have
// shown a certificate of the authority that issues now.
func TestWhoHasNoCertificateOfTheNewRootIsNamed(t *testing.T) {
	ca, err := identity.NewAuthority("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	peer := func(role identity.Role, name string, version uint64) identity.Peer {
		dir := t.TempDir()
		if err := identity.Enrol(dir, ca, identity.Grant{Role: role, Node: name, Version: version}, time.Now()); err != nil {
			t.Fatal(err)
		}
		b, err := identity.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b.Self()
	}
	p := &wire.Placement{
		Edges:     []wire.Edge{{Name: "edge-1"}, {Name: "edge-2", State: wire.EdgeDown}, {Name: "edge-3"}},
		Balancers: []wire.Balancer{{Name: "lb-1"}, {Name: "node-1"}}, Trust: &wire.Trust{Issuer: 20, Revoked: []wire.Revocation{{Node: "edge-3", Version: 15}}},
	}
	var s certificates
	expect := func(old, unheard []string) {
		t.Helper()
		if a, b := s.before(p, p.Trust.Issuer); !reflect.DeepEqual(a, old) || !reflect.DeepEqual(b, unheard) {
			t.Errorf("old %v, unheard %v; want %v, %v", a, b, old, unheard)
		}
	}
	expect(nil, []string{"edge-1", "edge-2", "lb-1", "node-1"})
	s.note(peer(identity.Edge, "edge-1", 19))
	s.note(peer(identity.Edge, "edge-3", 15)) // it is revoked
	s.note(peer(identity.Balancer, "lb-1", 20))
	s.note(peer(identity.Origin, "origin-1", 7))
	s.note(peer(identity.Edge, "edge-9", 7)) // it has left the placement
	expect([]string{"edge-1", "origin-1"}, []string{"edge-2", "node-1"})
	s.note(peer(identity.Edge, "edge-1", 21))
	s.note(peer(identity.Edge, "edge-1", 19)) // on a connection that it had already
	s.note(peer(identity.Node, "node-1", 25))
	s.note(peer(identity.Edge, "edge-3", 18)) // it is back, by a ticket
	expect([]string{"edge-3", "origin-1"}, []string{"edge-2"})
	s.note(peer(identity.Edge, "edge-2", 22))
	s.note(peer(identity.Edge, "edge-3", 22))
	s.note(peer(identity.Origin, "origin-1", 22))
	expect(nil, nil)
}

// Who has a certificate has an authority: that it is not known yet, in the first second after
// `tandem cluster init`, is not told as that command left out.
func TestAnAuthorityThatIsNotKnownYetIsNotOneThatIsMissing(t *testing.T) {
	ca, err := identity.NewAuthority("", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := ca.PEM()
	if err != nil {
		t.Fatal(err)
	}
	known := &wire.Trust{Cluster: ca.Cluster()}
	for _, c := range []struct {
		text  []byte
		trust *wire.Trust
		named bool
		want  error
	}{
		{text, known, true, nil},
		{nil, nil, true, ErrAuthorityUnheard},
		{text, nil, true, ErrAuthorityUnheard},
		{nil, nil, false, ErrNoAuthority},
	} {
		if a, err := issuerOf(c.text, c.trust, c.named); !errors.Is(err, c.want) || (a == nil) != (err != nil) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}
