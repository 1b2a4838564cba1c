package identity

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"
)

// Lives of certificates. A node's is renewed after two thirds of its life, so a
// cluster may be without a balancer for ten days before a node has to join anew.
const (
	AuthorityLife = 10 * 365 * 24 * time.Hour
	NodeLife      = 30 * 24 * time.Hour
	// Skew is how far two clocks may differ before a new certificate is refused.
	Skew = 5 * time.Minute
)

// Authority issues certificates. It never changes.
type Authority struct {
	cluster string
	cert    *x509.Certificate
	above   []*x509.Certificate // from its issuer to the root, when it is no root itself; of one that has taken over, from its certificate by the one before to the root of that
	key     crypto.Signer
}

// NewAuthority draws a root for a cluster; an empty name of the cluster is drawn
// as well.
func NewAuthority(cluster string, now time.Time) (*Authority, error) {
	if cluster == "" {
		cluster = hex.EncodeToString(draw(6)) + ".tandem"
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(0), Subject: pkix.Name{CommonName: "tandem authority of " + cluster},
		NotBefore: now.Add(-Skew), NotAfter: now.Add(AuthorityLife),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		URIs: []*url.URL{{Scheme: "spiffe", Host: cluster}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &Authority{cluster: cluster, cert: cert, key: key}, nil
}

// Successor draws a root that the present authority certifies as well (a cross
// certificate, RFC 4949): while both are trusted, who knows the old root alone, since it was
// away when the new one was made known, finds a way to it from what the new one issues.
func (a *Authority) Successor(now time.Time) (*Authority, error) {
	next, err := NewAuthority(a.cluster, now)
	if err != nil {
		return nil, err
	}
	template := *next.cert
	template.SerialNumber = serial(0)
	if a.cert.NotAfter.Before(template.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	template.AuthorityKeyId = a.cert.SubjectKeyId
	der, err := x509.CreateCertificate(rand.Reader, &template, a.cert, next.key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	cross, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	next.above = append([]*x509.Certificate{cross, a.cert}, a.above...)
	for i, c := range next.above { // not what certified the one before in its turn
		if isRoot(c) {
			next.above = next.above[:i+1]
			break
		}
	}
	return next, nil
}

// isRoot tells whether a certificate is its own issuer's.
func isRoot(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) && c.CheckSignatureFrom(c) == nil
}

// ParseAuthority reads an authority: its key and its chain, PEM; the first
// certificate is its own. An operator's one need not name a cluster, which is
// then called as it is told, or by the hash of the root.
func ParseAuthority(text []byte, cluster string) (*Authority, error) {
	key, chain, err := parsePEM(text)
	switch {
	case err != nil:
		return nil, err
	case key == nil || len(chain) == 0:
		return nil, fmt.Errorf("%w: an authority needs its certificate and its key, both PEM", ErrFile)
	case !chain[0].IsCA || chain[0].KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, fmt.Errorf("%w: the certificate of %q may not issue others", ErrFile, chain[0].Subject.CommonName)
	case !samePublicKey(chain[0].PublicKey, key.Public()):
		return nil, fmt.Errorf("%w: certificate and key don't belong together", ErrFile)
	}
	a := &Authority{cert: chain[0], above: chain[1:], key: key}
	for i, c := range chain[1:] {
		if err := chain[i].CheckSignatureFrom(c); err != nil {
			return nil, fmt.Errorf("%w: the chain is out of order at %q: %w", ErrFile, c.Subject.CommonName, err)
		}
	}
	if last := chain[len(chain)-1]; last.CheckSignatureFrom(last) != nil {
		return nil, fmt.Errorf("%w: the chain ends at %q, which is no root: add the certificates above it", ErrFile, last.Subject.CommonName)
	}
	if a.cluster = cluster; cluster == "" {
		a.cluster = clusterOf(a.root())
	}
	return a, nil
}

// clusterOf is the name of the cluster of a root.
func clusterOf(root *x509.Certificate) string {
	if len(root.URIs) == 1 && root.URIs[0].Scheme == "spiffe" && IsName(root.URIs[0].Host) {
		return root.URIs[0].Host
	}
	sum := sha256.Sum256(root.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:6]) + ".tandem"
}

// root is the first of its chain that is its own issuer's: behind it may stand who
// certified it before it took over.
func (a *Authority) root() *x509.Certificate {
	c := a.cert
	for _, above := range a.above {
		if isRoot(c) {
			break
		}
		c = above
	}
	return c
}

// Cluster is the name of the cluster.
func (a *Authority) Cluster() string { return a.cluster }

// Root is the root certificate, PEM.
func (a *Authority) Root() []byte { return certificatePEM(a.root()) }

// PEM is the authority with its key, as ParseAuthority reads it.
func (a *Authority) PEM() ([]byte, error) {
	out, err := keyPEM(a.key)
	if err != nil {
		return nil, err
	}
	return append(out, a.chain()...), nil
}

func (a *Authority) chain() []byte {
	return certificatePEM(append([]*x509.Certificate{a.cert}, a.above...)...)
}

// Grant is what a certificate is to say.
type Grant struct {
	Role      Role
	Node      string
	Addresses []string // host names and IP addresses, without ports
	Version   uint64   // of the placement by which it is issued: a revocation at a version ends all up to it
}

// Issue signs the public key of a request for a grant: the chain, PEM, root
// included. What else the request asks for is not looked at.
func (a *Authority) Issue(request []byte, g Grant, now time.Time) ([]byte, error) {
	name := Name{Cluster: a.cluster, Role: g.Role, Node: g.Node}
	if err := name.Check(); err != nil {
		return nil, err
	}
	csr, err := parseRequest(request)
	if err != nil {
		return nil, err
	}
	until := now.Add(NodeLife)
	if a.cert.NotAfter.Before(until) {
		until = a.cert.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: serial(g.Version), Subject: pkix.Name{CommonName: g.Node}, URIs: []*url.URL{name.uri()},
		NotBefore: now.Add(-Skew), NotAfter: until, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, address := range g.Addresses {
		if ip := net.ParseIP(address); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if address != "" {
			template.DNSNames = append(template.DNSNames, address)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, csr.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	out := pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: der})
	return append(out, a.chain()...), nil
}

// GrantOf is what a certificate says, for its renewal.
func GrantOf(cert *x509.Certificate) (Grant, error) {
	n, err := NameOf(cert)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{Role: n.Role, Node: n.Node, Addresses: append([]string(nil), cert.DNSNames...)}
	for _, ip := range cert.IPAddresses {
		g.Addresses = append(g.Addresses, ip.String())
	}
	return g, nil
}

// serial is the version by which a certificate is issued, and 64 random bits.
// Versions, not times, tell what a revocation is later than: clocks differ.
func serial(version uint64) *big.Int {
	b := binary.BigEndian.AppendUint64(nil, version)
	return new(big.Int).SetBytes(append(b, draw(8)...))
}

// versionOf is the version by which a certificate was issued.
func versionOf(cert *x509.Certificate) uint64 {
	return new(big.Int).Rsh(cert.SerialNumber, 64).Uint64()
}

func draw(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process first
	return b
}
