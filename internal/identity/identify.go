package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Peer is a node on the other side of a connection.
type Peer struct {
	Name
	cert *x509.Certificate
}

// Grant is what its certificate says, for its renewal.
func (p Peer) Grant() (Grant, error) { return GrantOf(p.cert) }

// Until is when its certificate ends.
func (p Peer) Until() time.Time { return p.cert.NotAfter }

// Version is that of the placement by which its certificate was issued.
func (p Peer) Version() uint64 { return versionOf(p.cert) }

// At tells whether the node may say that it is reached at a host.
func (p Peer) At(host string) error {
	if err := p.cert.VerifyHostname(host); err != nil {
		return fmt.Errorf("%w: %s is named for %s, not for %q: join it with a ticket for that address (tandem ticket --address)", ErrAddress, p.Node, addressesOf(p.cert), host)
	}
	return nil
}

func addressesOf(cert *x509.Certificate) string {
	g, err := GrantOf(cert)
	if err != nil || len(g.Addresses) == 0 {
		return "no address"
	}
	return fmt.Sprintf("%q", g.Addresses)
}

// identify finds out who showed these certificates, the node's own first. The error
// names cause and mend.
func (c *current) identify(certs []*x509.Certificate, now time.Time) (Peer, error) {
	if len(certs) == 0 {
		return Peer{}, fmt.Errorf("%w: nodes show theirs to each other (tandem join)", ErrNone)
	}
	leaf := certs[0]
	if err := c.verify(leaf, certs[1:], now); err != nil {
		return Peer{}, c.refusal(leaf, err, now)
	}
	name, err := NameOf(leaf)
	switch {
	case err != nil:
		return Peer{}, err
	case name.Cluster != c.name.Cluster:
		return Peer{}, fmt.Errorf("%w: %s is of cluster %s, this node of %s", ErrForeign, name.Node, name.Cluster, c.name.Cluster)
	}
	if err := c.revokes(name, leaf); err != nil {
		return Peer{}, err
	}
	return Peer{Name: name, cert: leaf}, nil
}

// revokes tells why a node's certificate is void.
func (c *current) revokes(name Name, leaf *x509.Certificate) error {
	if at, ok := c.revoked[name.Node]; ok && versionOf(leaf) <= at {
		return fmt.Errorf("%w: %s was revoked at version %d: if it is to come back, join it with a new ticket", ErrRevoked, name.Node, at)
	}
	return nil
}

// verify finds the way from a certificate to a root that is trusted now.
func (c *current) verify(leaf *x509.Certificate, more []*x509.Certificate, now time.Time) error {
	if c.verified.holds(leaf, now) {
		return nil
	}
	between := x509.NewCertPool()
	for _, cert := range more {
		between.AddCert(cert)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: c.pool, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	})
	if err == nil {
		c.verified.note(leaf, chains)
	}
	return err
}

// refusal says what a failed verification means. Clocks are tried first, since
// one that is off makes certificates look like anything.
func (c *current) refusal(leaf *x509.Certificate, err error, now time.Time) error {
	who := leaf.Subject.CommonName
	if n, bad := NameOf(leaf); bad == nil {
		who = n.Node
	}
	const minute = "2006-01-02 15:04 MST"
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && now.Before(leaf.NotBefore):
		return fmt.Errorf("%w: that of %s begins at %s and the clock here says %s: set both clocks (NTP)", ErrClock, who, leaf.NotBefore.UTC().Format(minute), now.UTC().Format(minute))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%w: that of %s ended at %s and the clock here says %s: set the clock if it is wrong (NTP), else join %s with a new ticket", ErrExpired, who, leaf.NotAfter.UTC().Format(minute), now.UTC().Format(minute), who)
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return fmt.Errorf("%w: %s was certified by %q, which this node does not trust: join it with a ticket of this cluster (%s)", ErrForeign, who, leaf.Issuer.CommonName, c.name.Cluster)
	}
	return fmt.Errorf("%w: %s: %w", ErrForeign, who, err)
}

// Peer is who is at the other end of a connection, judged by what counts now.
func (b *Bundle) Peer(state *tls.ConnectionState) (Peer, error) {
	if state == nil {
		return Peer{}, fmt.Errorf("%w: the connection is not encrypted", ErrNone)
	}
	return b.now.Load().identify(state.PeerCertificates, b.clock())
}

// Chain is what it shows, its own certificate first.
func (p Peer) Chain() []*x509.Certificate { return []*x509.Certificate{p.cert} }
