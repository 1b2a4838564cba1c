package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"tandem/internal/secret"
)

// Directory makes a directory that is its owner's alone, and shuts others out of
// one that was left open.
func Directory(dir string) error {
	var missing []string
	for at := filepath.Clean(dir); at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, at)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, made := range slices.Backward(missing) {
		if uid, gid, other := owner(filepath.Dir(made)); other {
			if err := os.Lchown(made, uid, gid); err != nil {
				return err
			}
		}
	}
	return os.Chmod(dir, 0o700)
}

// owner is whose a directory is, if this is root and another user has it: what is made there
// is for a service that runs as that one, and has to be able to read it.
func owner(dir string) (uid, gid int, other bool) {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return 0, 0, false
	}
	of, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(of.Uid), int(of.Gid), of.Uid != 0
}

// write replaces a file by one rename, so that a reader sees the old one or the
// new one.
func write(dir, name string, text []byte) error {
	if err := Directory(dir); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if uid, gid, other := owner(dir); other {
		err = errors.Join(err, f.Chown(uid, gid))
	}
	err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Save puts a new identity into a directory: the key, the chain that was issued
// for it, and the roots to trust. What does not fit together is not written.
func Save(dir string, key Key, chain, roots []byte) error {
	node, err := keyPEM(key.signer)
	if err != nil {
		return err
	}
	node = append(node, chain...)
	if _, err := parse(node, roots); err != nil {
		return err
	}
	if err := write(dir, rootsFile, roots); err != nil {
		return err
	}
	return write(dir, nodeFile, node)
}

// SaveAuthority keeps an authority in a directory.
func SaveAuthority(dir string, a *Authority) error {
	text, err := a.PEM()
	if err != nil {
		return err
	}
	return write(dir, authorityFile, text)
}

// ReadAuthority reads the authority in the directory of a node's identity;
// os.ErrNotExist: it is not kept there.
func ReadAuthority(dir, cluster string) (*Authority, error) {
	path := filepath.Join(dir, authorityFile)
	text, err := secret.Read(path)
	if err != nil {
		return nil, err
	}
	a, err := ParseAuthority(text, cluster)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// Enrol draws a key, lets the authority certify it, and keeps both in a directory: for
// who has the authority at hand.
func Enrol(dir string, a *Authority, g Grant, now time.Time) error {
	key, err := NewKey()
	if err != nil {
		return err
	}
	request, err := key.Request()
	if err != nil {
		return err
	}
	chain, err := a.Issue(request, g, now)
	if err != nil {
		return err
	}
	return Save(dir, key, chain, a.Root())
}

// pendingFile is the key of a node that has asked to join and not heard yet.
const pendingFile = "pending.pem"

// PendingKey is the key with which a node asks to join: the same one again when an
// answer was lost, for a ticket is good for one key.
func PendingKey(dir string) (Key, error) {
	text, err := secret.Read(filepath.Join(dir, pendingFile))
	if err == nil {
		if signer, _, err := parsePEM(text); err == nil && signer != nil {
			return Key{signer}, nil
		}
	}
	key, err := NewKey()
	if err != nil {
		return Key{}, err
	}
	if text, err = keyPEM(key.signer); err != nil {
		return Key{}, err
	}
	return key, write(dir, pendingFile, text)
}
