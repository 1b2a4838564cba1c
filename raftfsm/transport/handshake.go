package transport

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// The handshake proves both ways that the other side holds the cluster's secret
// before Raft sees a byte, and to the one who dials that the other one is whom it
// means: addresses move, and are used again. The one who dials begins:
//
//	-> "TANDEMR2", nonce C, MAC("hello", C)      a stranger is shut out here, unanswered
//	<- nonce S, MAC("accept", C, S, own name)    made for this C, so it can't be a replay
//	-> MAC("dial", C, S)                         made for this S, so neither can this
//
// Nodes of builds before names say "TANDEMR1", and know no other; they are answered
// and called so, and no name is proved.
//
// It protects who talks, not what is said: where nodes have no certificates the bytes
// that follow are neither encrypted nor authenticated, so Raft's network must be a
// private one. Where they have, all this is said inside TLS.
const (
	handshakeMagic   = "TANDEMR1"
	handshakeNamed   = "TANDEMR2"
	handshakeTimeout = time.Second
	nonceSize        = 32
)

// errUnanswered is for a node that shuts us out without a word: it holds another
// secret, or is of a build that knows no names.
var errUnanswered = errors.New("no answer")

func handshakeMAC(key []byte, role string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(handshakeMagic + role))
	for _, n := range parts {
		mac.Write(n)
	}
	return mac.Sum(nil)
}

func nonce() []byte {
	b := make([]byte, nonceSize)
	_, _ = rand.Read(b) // never fails: it ends the process first
	return b
}

// greet is the side that has dialled; name is whom it means, empty: whoever answers.
func greet(conn net.Conn, key []byte, name string, timeout time.Duration) error {
	return within(conn, timeout, func() error {
		mine := nonce()
		magic := handshakeNamed
		if name == "" {
			magic = handshakeMagic
		}
		hello := append(append([]byte(magic), mine...), handshakeMAC(key, "hello", mine)...)
		if _, err := conn.Write(hello); err != nil {
			return err
		}
		answer := make([]byte, nonceSize+sha256.Size)
		if _, err := io.ReadFull(conn, answer); err != nil {
			// Whoever does not know the secret is not told so, only shut out.
			return fmt.Errorf("%w, or the other way round, or one of the two has no --identity: %w: %w", ErrForeign, errUnanswered, err)
		}
		theirs := answer[:nonceSize]
		if !hmac.Equal(answer[nonceSize:], handshakeMAC(key, "accept", mine, theirs, []byte(name))) {
			if name != "" {
				return fmt.Errorf("%w, or is not %s", ErrForeign, name)
			}
			return ErrForeign
		}
		_, err := conn.Write(handshakeMAC(key, "dial", mine, theirs))
		return err
	})
}

// admit is the side that has been called; name is its own.
func admit(conn net.Conn, key []byte, name string, timeout time.Duration) error {
	return within(conn, timeout, func() error {
		hello := make([]byte, len(handshakeMagic)+nonceSize+sha256.Size)
		// The magic first, so that a caller of another kind is not waited for.
		if _, err := io.ReadFull(conn, hello[:len(handshakeMagic)]); err != nil {
			return err
		}
		switch string(hello[:len(handshakeMagic)]) {
		case handshakeNamed:
		case handshakeMagic:
			name = ""
		default:
			return ErrForeign
		}
		rest := hello[len(handshakeMagic):]
		if _, err := io.ReadFull(conn, rest); err != nil {
			return err
		}
		theirs := rest[:nonceSize]
		if !hmac.Equal(rest[nonceSize:], handshakeMAC(key, "hello", theirs)) {
			return ErrForeign
		}
		mine := nonce()
		if _, err := conn.Write(append(mine, handshakeMAC(key, "accept", theirs, mine, []byte(name))...)); err != nil {
			return err
		}
		proof := make([]byte, sha256.Size)
		if _, err := io.ReadFull(conn, proof); err != nil {
			return err
		}
		if !hmac.Equal(proof, handshakeMAC(key, "dial", theirs, mine)) {
			return ErrForeign
		}
		return nil
	})
}

func within(conn net.Conn, timeout time.Duration, talk func() error) error {
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	return errors.Join(talk(), conn.SetDeadline(time.Time{}))
}

// keyOf is the key of an era's handshakes.
func keyOf(key []byte, era uint64) []byte {
	if era == 0 {
		return key
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(binary.BigEndian.AppendUint64([]byte("era"), era))
	return mac.Sum(nil)
}
