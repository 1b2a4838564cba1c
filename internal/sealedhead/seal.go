package sealedhead

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// MostHead bounds a head that is sealed, in bytes: a longer one goes by TLS.
const MostHead = 24 << 10

// Errors of opening.
var (
	ErrMalformed = errors.New("no sealed head")
	ErrUnknown   = errors.New("sealed with a key that was not granted here, or has expired")
	ErrSeal      = errors.New("the seal is not that of what came: it was changed on the way, or is of another request")
	ErrReplayed  = errors.New("came before")
)

const (
	idSize     = 8
	numberSize = 8
	prefix     = idSize + numberSize
	keySize    = 32
)

// Directions: a number is used once in each.
const (
	asking    = 1
	answering = 2
)

// sealer is a key of both sides, and what it is bound to.
type sealer struct {
	aead cipher.AEAD
	id   [idSize]byte
	who  []byte // names of both: a head of one pair of nodes opens at no other
}

func newSealer(id [idSize]byte, key []byte, edge, balancer string) (*sealer, error) {
	if len(key) != keySize {
		return nil, ErrMalformed
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead: aead, id: id, who: []byte("tandem sealed head 1\x00" + edge + "\x00" + balancer)}, nil
}

func nonce(direction byte, number uint64) (b [12]byte) {
	b[0] = direction
	binary.BigEndian.PutUint64(b[4:], number)
	return b
}

// seal appends a head as text: base64 of key, number, and what is sealed.
func (s *sealer) seal(dst []byte, direction byte, number uint64, head []byte) []byte {
	n := nonce(direction, number)
	raw := make([]byte, prefix, prefix+len(head)+s.aead.Overhead())
	copy(raw, s.id[:])
	binary.BigEndian.PutUint64(raw[idSize:], number)
	raw = s.aead.Seal(raw, n[:], head, s.who)
	return base64.RawURLEncoding.AppendEncode(dst, raw)
}

// open is seal's inverse, for text whose prefix was read.
func (s *sealer) open(direction byte, number uint64, raw []byte) ([]byte, error) {
	n := nonce(direction, number)
	head, err := s.aead.Open(raw[prefix:prefix], n[:], raw[prefix:], s.who)
	if err != nil {
		return nil, ErrSeal
	}
	return head, nil
}

// split reads a text: there is one spelling of each.
func split(text []byte) (id [idSize]byte, number uint64, raw []byte, err error) {
	if len(text) > base64.RawURLEncoding.EncodedLen(prefix+MostHead+64) {
		return id, 0, nil, ErrMalformed
	}
	raw, err = base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	if err != nil || len(raw) < prefix {
		return id, 0, nil, ErrMalformed
	}
	return [idSize]byte(raw[:idSize]), binary.BigEndian.Uint64(raw[idSize:]), raw, nil
}
