package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// minSecret is the shortest secret that is taken, in bytes.
const minSecret = 16

// ErrSecretShort is returned for a secret that could be guessed.
var ErrSecretShort = errors.New("the secret is too short")

// Secret is the cluster's secret, from which every key is derived. The zero
// value authorises nobody. It is safe for use by many goroutines.
type Secret struct {
	text   []byte
	bearer string
}

// NewSecret takes the secret's text, without the white space around it.
func NewSecret(text string) (Secret, error) {
	trimmed := strings.Trim(text, " \n\r\t")
	if len(trimmed) < minSecret {
		return Secret{}, fmt.Errorf("%w: %d bytes, want at least %d", ErrSecretShort, len(trimmed), minSecret)
	}
	s := Secret{text: []byte(trimmed)}
	s.bearer = hex.EncodeToString(s.Key("bearer"))
	return s, nil
}

// Valid tells whether there is a secret at all.
func (s Secret) Valid() bool { return s.bearer != "" }

// Key derives a key of 32 bytes for one purpose.
func (s Secret) Key(purpose string) []byte {
	mac := hmac.New(sha256.New, s.text)
	mac.Write([]byte("tandem " + purpose))
	return mac.Sum(nil)
}

// Bearer is what nodes show each other in HeaderAuth.
func (s Secret) Bearer() string { return s.bearer }

// Authorised tells whether a request comes from a node of this cluster.
func (s Secret) Authorised(r *http.Request) bool {
	return s.Shown(r.Header.Get(HeaderAuth))
}

// Shown tells whether a value of HeaderAuth is that of this cluster's nodes.
func (s Secret) Shown(bearer string) bool {
	return s.Valid() && subtle.ConstantTimeCompare([]byte(bearer), []byte(s.bearer)) == 1
}
