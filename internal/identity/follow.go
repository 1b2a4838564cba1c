package identity

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tandem/internal/wire"
)

// OpenAs is Open for a node that is called so; one that others know by another name
// or role would be refused everywhere. dir is the identity's, or holds those of several
// nodes by their names.
func OpenAs(dir string, role Role, node string, clock func() time.Time) (*Bundle, error) {
	if _, err := os.Stat(filepath.Join(dir, node, nodeFile)); err == nil {
		dir = filepath.Join(dir, node)
	}
	b, err := Open(dir, clock)
	if err != nil {
		return nil, err
	}
	if n := b.Name(); !n.Role.Is(role) || n.Node != node {
		return nil, fmt.Errorf("%s: %w: it is that of %s %s, and this is %s %s: give the right directory, or join with a ticket for this node", dir, ErrRole, n.Role, n.Node, role, node)
	}
	return b, nil
}

// Follow takes what the cluster says of trust: roots, revocations, and whether the
// authority that issues is another one than it was. nil: nothing yet.
func (b *Bundle) Follow(t *wire.Trust) error {
	if t == nil {
		return nil
	}
	b.Revoke(t.RevokedUpTo())
	b.issuer.Store(t.Issuer)
	if b.outdated() {
		b.Renew()
	}
	if t.Roots == "" {
		return nil
	}
	return b.Trust([]byte(t.Roots))
}

// outdated tells whether the certificate is from before the authority that issues now.
func (b *Bundle) outdated() bool { return b.issuer.Load() > versionOf(b.now.Load().leaf) }
