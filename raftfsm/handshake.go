package raftfsm

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// The handshake proves both ways that the other side holds the cluster's secret
// before Raft sees a byte. The one who dials begins:
//
//	-> "TANDEMR1", nonce C, MAC("hello", C)      a stranger is shut out here, unanswered
//	<- nonce S, MAC("accept", C, S)              made for this C, so it can't be a replay
//	-> MAC("dial", C, S)                         made for this S, so neither can this
//
// It protects who talks, not what is said: the bytes that follow are neither
// encrypted nor authenticated, so Raft's network must be a private one.
const (
	handshakeMagic   = "TANDEMR1"
	handshakeTimeout = time.Second
	nonceSize        = 32
)

func handshakeMAC(key []byte, role string, nonces ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(handshakeMagic + role))
	for _, n := range nonces {
		mac.Write(n)
	}
	return mac.Sum(nil)
}

func nonce() []byte {
	b := make([]byte, nonceSize)
	_, _ = rand.Read(b) // never fails: it ends the process first
	return b
}

// greet is the side that has dialled.
func greet(conn net.Conn, key []byte, timeout time.Duration) error {
	return within(conn, timeout, func() error {
		mine := nonce()
		hello := append(append([]byte(handshakeMagic), mine...), handshakeMAC(key, "hello", mine)...)
		if _, err := conn.Write(hello); err != nil {
			return err
		}
		answer := make([]byte, nonceSize+sha256.Size)
		if _, err := io.ReadFull(conn, answer); err != nil {
			// Whoever does not know the secret is not told so, only shut out.
			return fmt.Errorf("%w, or the other way round: %w", ErrForeign, err)
		}
		theirs := answer[:nonceSize]
		if !hmac.Equal(answer[nonceSize:], handshakeMAC(key, "accept", mine, theirs)) {
			return ErrForeign
		}
		_, err := conn.Write(handshakeMAC(key, "dial", mine, theirs))
		return err
	})
}

// admit is the side that has been called.
func admit(conn net.Conn, key []byte, timeout time.Duration) error {
	return within(conn, timeout, func() error {
		hello := make([]byte, len(handshakeMagic)+nonceSize+sha256.Size)
		// The magic first, so that a caller of another kind is not waited for.
		if _, err := io.ReadFull(conn, hello[:len(handshakeMagic)]); err != nil {
			return err
		}
		if string(hello[:len(handshakeMagic)]) != handshakeMagic {
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
		if _, err := conn.Write(append(mine, handshakeMAC(key, "accept", theirs, mine)...)); err != nil {
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
