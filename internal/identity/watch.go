package identity

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// Counts are what this node's connections to others came to, since its start.
type Counts struct {
	Strange atomic.Int64 // who answered was not who was to be there, by its certificate
	Altered atomic.Int64 // what one side got was not what the other one sent: changed, put in, or played back
}

// CountsOf are those of a node's identity; zeros where nodes have no names (nil).
func CountsOf(b *Bundle) *Counts {
	if b == nil {
		return new(Counts)
	}
	return &b.Counts
}

// Told counts an error of a connection of TLS that this node began, where somebody in
// between is its cause: what came was nothing that the protocol allows, or the other
// side says so of what it got (RFC 8446 section 6.2). It returns the error.
func (b *Bundle) Told(err error) error {
	if Altered(err) {
		b.Counts.Altered.Add(1)
	}
	return err
}

// Altered tells whether an error of a connection of TLS says that what one side got was
// not what the other one sent: both of them live.
func Altered(err error) bool { return err != nil && !ended(err) && !judged(err) }

// ended tells whether a connection was ended, or never came about: that may have any
// cause.
func ended(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, os.ErrDeadlineExceeded, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			return true
		}
	}
	var op *net.OpError
	return errors.As(err, new(syscall.Errno)) || errors.As(err, &op) && op.Op == "dial"
}

// judged tells whether an error is of this package: a certificate was not the right one.
func judged(err error) bool {
	for _, why := range []error{ErrNone, ErrForeign, ErrExpired, ErrClock, ErrRevoked, ErrRole, ErrAddress} {
		if errors.Is(err, why) {
			return true
		}
	}
	return false
}

// Watch counts what becomes of a connection of TLS that this node began, and ends its use
// once the other side is revoked: that one would not end it.
func (b *Bundle) Watch(conn *tls.Conn) net.Conn { return &watched{Conn: conn, b: b} }

type watched struct {
	*tls.Conn
	b      *Bundle
	once   sync.Once
	judged atomic.Pointer[current] // by which the other side was not revoked
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if err == nil {
		if err = w.revoked(); err != nil {
			return 0, err
		}
	}
	return n, w.told(err)
}

func (w *watched) Write(p []byte) (int, error) {
	if err := w.revoked(); err != nil {
		return 0, err
	}
	n, err := w.Conn.Write(p)
	return n, w.told(err)
}

// revoked tells why nothing is said any more to who answers. Roots and the clock were
// asked at the handshake: a node that has been renewed since shows the older certificate
// here.
func (w *watched) revoked() error {
	now := w.b.now.Load()
	if w.judged.Load() == now {
		return nil
	}
	certs := w.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return nil // before the handshake, which judges
	}
	if name, err := NameOf(certs[0]); err == nil {
		if err := now.revokes(name, certs[0]); err != nil {
			return err
		}
	}
	w.judged.Store(now)
	return nil
}

func (w *watched) told(err error) error {
	if err != nil {
		w.once.Do(func() { _ = w.b.Told(err) })
	}
	return err
}
