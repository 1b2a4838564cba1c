package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tandem/internal/identity"
)

// spareNames is how many more nodes of each role have a certificate than there are:
// one may be added by hand, by the command line of another one and its own name.
const spareNames = 8

// identities is where those of all nodes are.
func identities(dir string) string { return filepath.Join(dir, "identities") }

// certify gives every node of a demo its certificate, and the balancers
// the authority: as `tandem cluster init` and `tandem join` do it between machines.
// What an earlier demo in the same directory has made is used again.
func (l *layout) certify() error {
	authority, err := l.authority()
	for i := 1; err == nil && i <= l.Balancers+spareNames; i++ {
		dir := filepath.Join(identities(l.Dir), fmt.Sprintf("lb-%d", i))
		if err = identity.SaveAuthority(dir, authority); err == nil {
			err = enrol(dir, authority, identity.Balancer, fmt.Sprintf("lb-%d", i))
		}
	}
	if err == nil && l.Origin == "" {
		err = enrol(filepath.Join(identities(l.Dir), "origin-1"), authority, identity.Origin, "origin-1")
	}
	for i := 1; err == nil && i <= l.Edges+spareNames; i++ {
		name := fmt.Sprintf("edge-%d", i)
		err = enrol(filepath.Join(identities(l.Dir), name), authority, identity.Edge, name)
	}
	if err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	return nil
}

// authority makes the cluster's, or reads the one that is there.
func (l *layout) authority() (*identity.Authority, error) {
	dir := filepath.Join(l.Dir, "authority")
	a, err := identity.ReadAuthority(dir, "")
	if errors.Is(err, os.ErrNotExist) {
		if a, err = identity.NewAuthority("", time.Now()); err == nil {
			err = identity.SaveAuthority(dir, a)
		}
	}
	return a, err
}

// enrol gives a node its identity, unless it has one. It may have any address of this
// machine's own, and any name for tests (RFC 6761).
func enrol(dir string, a *identity.Authority, role identity.Role, node string) error {
	if _, err := identity.OpenAs(dir, role, node, nil); err == nil {
		return nil
	}
	at := []string{"127.0.0.1", "127.0.0.2", "::1", "localhost", "*.localhost", "*.test"}
	return identity.Enrol(dir, a, identity.Grant{Role: role, Node: node, Addresses: at}, time.Now())
}
