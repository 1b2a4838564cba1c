package access

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tandem/internal/secret"
)

// Key opens tokens: a secret, or a public key.
type Key struct {
	ID     string
	secret []byte
	public crypto.PublicKey
}

// String tells nothing of the secret, whoever prints a key.
func (k Key) String() string { return "key " + k.ID }

// GoString is String.
func (k Key) GoString() string { return k.String() }

// keysFor are the keys that may have sealed a token that names one, or none:
// those of that ID, or all of the kind.
func (r *Rule) keysFor(id string, public bool) []Key {
	var list []Key
	for _, k := range r.keys {
		if (k.public != nil) == public && (id == "" || id == k.ID) {
			list = append(list, k)
		}
	}
	return list
}

// readKey reads a key's file: a public key or a certificate, PEM, or a secret in
// one of the encodings, which nobody else may read.
func readKey(row keyRow, dir string) (Key, error) {
	path := row.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Key{}, err
	}
	if block, _ := pem.Decode(text); block != nil {
		public, err := publicKey(block)
		if err != nil {
			return Key{}, fmt.Errorf("%s: %w", path, err)
		}
		return Key{ID: row.ID, public: public}, nil
	}
	plain, err := secret.Text(path)
	if err != nil {
		return Key{}, err
	}
	raw, err := decode(plain, row.Encoding)
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", path, err)
	}
	return Key{ID: row.ID, secret: raw}, nil
}

func publicKey(block *pem.Block) (crypto.PublicKey, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return cert.PublicKey, nil
	}
	return nil, fmt.Errorf("%s: want a public key; the private one stays with who signs", block.Type)
}

// decode reads a secret. Errors quote nothing of it.
func decode(text, encoding string) ([]byte, error) {
	var raw []byte
	var err error
	switch encoding {
	case "", "text":
		raw = []byte(text)
	case "hex":
		raw, err = hex.DecodeString(text)
	case "base64":
		raw, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "="))
	default:
		return nil, fmt.Errorf("encoding %q is none of text, hex, base64", encoding)
	}
	if err != nil {
		return nil, fmt.Errorf("it is not in %s", encoding)
	}
	if len(raw) < 16 {
		return nil, errors.New("a key has at least 16 bytes")
	}
	return raw, nil
}
