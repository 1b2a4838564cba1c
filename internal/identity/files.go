package identity

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tandem/internal/secret"
)

// Directory makes a directory that is its owner's alone, and shuts others out of
// one that was left open.
func Directory(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
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
