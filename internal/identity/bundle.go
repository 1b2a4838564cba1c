package identity

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"tandem/internal/secret"
)

// The files of a node's identity.
const (
	nodeFile      = "node.pem"  // its key and its certificate's chain
	rootsFile     = "roots.pem" // the roots that it trusts
	authorityFile = "ca.pem"    // key and chain of the authority, where it is kept
)

// current is an identity as it counts now. It never changes.
type current struct {
	name     Name
	shown    tls.Certificate
	leaf     *x509.Certificate
	roots    []byte // PEM
	pool     *x509.CertPool
	verified *verified         // by that pool
	revoked  map[string]uint64 // by a node's name: the version up to which its certificates are void
	chain    []byte            // as it stands in the file, to see a change
}

// Bundle is a node's identity: what it shows, and what it believes.
type Bundle struct {
	dir   string
	clock func() time.Time
	now   atomic.Pointer[current]
	renew chan struct{} // one token: renew before its time

	issuer atomic.Uint64 // certificates of an earlier version end with their root

	sessions tls.ClientSessionCache // with other nodes

	Counts Counts

	mu sync.Mutex // guards the files, and who changes now
}

// Open reads the identity in a directory. clock is time.Now when nil.
func Open(dir string, clock func() time.Time) (*Bundle, error) {
	if clock == nil {
		clock = time.Now
	}
	b := &Bundle{dir: dir, clock: clock, renew: make(chan struct{}, 1), sessions: tls.NewLRUClientSessionCache(sessionsMost)}
	c, err := read(dir)
	if err != nil {
		return nil, err
	}
	b.now.Store(c)
	return b, nil
}

func read(dir string) (*current, error) {
	path := filepath.Join(dir, nodeFile)
	text, err := secret.Read(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s holds no identity: get one with a ticket (tandem join TICKET --identity %s)", dir, dir)
	}
	if err != nil {
		return nil, err
	}
	roots, err := os.ReadFile(filepath.Join(dir, rootsFile))
	if err != nil {
		return nil, err
	}
	c, err := parse(text, roots)
	if errors.Is(err, errRootless) {
		path = filepath.Join(dir, rootsFile)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// errRootless: what is to hold roots holds none.
var errRootless = fmt.Errorf("%w: no root to trust", ErrFile)

func parse(node, roots []byte) (*current, error) {
	key, chain, err := parsePEM(node)
	switch {
	case err != nil:
		return nil, err
	case key == nil || len(chain) == 0:
		return nil, fmt.Errorf("%w: want the node's key and its certificate, both PEM", ErrFile)
	case !samePublicKey(chain[0].PublicKey, key.Public()):
		return nil, fmt.Errorf("%w: certificate and key don't belong together", ErrFile)
	}
	c := &current{leaf: chain[0], shown: tls.Certificate{PrivateKey: key, Leaf: chain[0]}, chain: node, revoked: map[string]uint64{}}
	for _, cert := range chain {
		c.shown.Certificate = append(c.shown.Certificate, cert.Raw)
	}
	if c.name, err = NameOf(c.leaf); err != nil {
		return nil, err
	}
	return c, c.trust(roots)
}

// trust takes the roots of a file.
func (c *current) trust(roots []byte) error {
	_, certs, err := parsePEM(roots)
	if err != nil {
		return err
	}
	if len(certs) == 0 {
		return errRootless
	}
	c.roots, c.pool, c.verified = roots, x509.NewCertPool(), newVerified()
	for _, root := range certs {
		c.pool.AddCert(root)
	}
	return nil
}

// Name is the node's own.
func (b *Bundle) Name() Name { return b.now.Load().name }

// Dir is the directory of its files.
func (b *Bundle) Dir() string { return b.dir }

// Until is when its certificate ends.
func (b *Bundle) Until() time.Time { return b.now.Load().leaf.NotAfter }

// Self is the node itself, as others see it.
func (b *Bundle) Self() Peer { c := b.now.Load(); return Peer{Name: c.name, cert: c.leaf} }

// Reload reads the files anew; a broken one changes nothing. changed: there was
// something new in them.
func (b *Bundle) Reload() (changed bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next, err := read(b.dir)
	if err != nil {
		return false, err
	}
	old := b.now.Load()
	if bytes.Equal(next.chain, old.chain) && bytes.Equal(next.roots, old.roots) {
		return false, nil
	}
	next.revoked = old.revoked
	b.now.Store(next)
	return true, nil
}

// Trust takes the roots that the cluster trusts now, and keeps them. A list that
// would not hold the node's own certificate is not taken before the certificate
// is renewed: the node would shut itself out.
func (b *Bundle) Trust(roots []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.now.Load()
	if bytes.Equal(roots, old.roots) {
		return nil
	}
	next := *old
	if err := next.trust(roots); err != nil {
		return err
	}
	if _, err := next.identify(b.own(), b.clock()); errors.Is(err, ErrForeign) {
		b.Renew()
		return fmt.Errorf("the cluster's roots are taken when this node's certificate is renewed: %w", err)
	}
	if err := write(b.dir, rootsFile, roots); err != nil {
		return err
	}
	b.now.Store(&next)
	return nil
}

// own is the chain that it shows.
func (b *Bundle) own() (chain []*x509.Certificate) {
	for _, raw := range b.now.Load().shown.Certificate {
		if cert, err := x509.ParseCertificate(raw); err == nil { // it was parsed when it was read
			chain = append(chain, cert)
		}
	}
	return chain
}

// Revoke takes the cluster's list of revocations: up to which version the
// certificates of a name are void.
func (b *Bundle) Revoke(list map[string]uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old := b.now.Load(); !maps.Equal(old.revoked, list) {
		next := *old
		next.revoked = maps.Clone(list)
		b.now.Store(&next)
	}
}

// Renew asks Run to renew the certificate now.
func (b *Bundle) Renew() {
	select {
	case b.renew <- struct{}{}:
	default:
	}
}
