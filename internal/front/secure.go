package front

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/front/h2"
	"tandem/internal/front/kernel"
	"tandem/internal/front/turns"
)

// sealMost is how many bytes are sealed before the socket is asked to take them: what
// it does not take has to be kept. A goroutine, which waits, seals more at once.
const (
	sealMost   = 64 << 10
	sealAtOnce = 256 << 10
)

// secure is TLS on a connection, and the net.Conn that lies beneath it. The handshake
// is a goroutine's, as are requests that are away: then tcp is the socket, and reads and
// writes wait. Otherwise the loop has it, and nothing waits: what the socket does not
// take of sealed records lies in out.
type secure struct {
	conn   *Conn
	tls    *tls.Conn
	tcp    *net.TCPConn // nil: the loop has the connection
	out    []byte
	turn   *turns.Turn // during the handshake
	gather *[]byte     // where records go to be sent together; nil: each by itself
	shared *shared     // of the goroutines that speak HTTP/2; nil: it does not
	meter  *h2.Meter   // of what its client sends then
}

var sealBuffers = sync.Pool{New: func() any { b := make([]byte, 0, sealAtOnce+sealAtOnce/16); return &b }}

// notYet is what TLS is told where a goroutine would wait: it goes on another time.
type notYet struct{}

func (notYet) Error() string   { return "nothing to read now" }
func (notYet) Timeout() bool   { return false }
func (notYet) Temporary() bool { return true }

// Read is a net.Conn's.
func (s *secure) Read(b []byte) (int, error) {
	c := s.conn
	if s.tcp != nil {
		n, err := s.turn.Waiting(s.tcp.Read, b)
		if !s.meter.Received(n) {
			c.loop.server.cfg.Noisy()
			_ = s.tcp.SetLinger(0)
			return 0, net.ErrClosed
		}
		return n, err
	}
	if !c.readable {
		return 0, notYet{}
	}
	n, err := kernel.Receive(c.fd, b)
	switch {
	case n > 0:
		if n < len(b) && !c.half {
			c.readable = false // a new event tells of more
		}
		return n, nil
	case n == 0:
		return 0, io.EOF
	case kernel.Temporary(err):
		c.readable = false
		return 0, notYet{}
	default:
		return 0, err
	}
}

// Write is a net.Conn's.
func (s *secure) Write(b []byte) (int, error) {
	switch {
	case s.gather != nil:
		*s.gather = append(*s.gather, b...)
		return len(b), nil
	case s.shared != nil:
		return s.shared.put(s, b)
	case s.tcp == nil:
		s.out = append(s.out, b...)
		return len(b), nil
	}
	if err := s.first(); err != nil {
		return 0, err
	}
	return s.turn.Waiting(s.tcp.Write, b)
}

// first is for a goroutine: it writes what the loop had left.
func (s *secure) first() (err error) {
	if len(s.out) > 0 {
		_, err = s.tcp.Write(s.out)
		s.out = nil
	}
	return err
}

// receive gives what the client has sent, as far as it is here. After it nothing that is
// whole lies in TLS's own buffers, unless b was filled.
func (s *secure) receive(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var got int
		got, err = s.tls.Read(b[n:])
		n += got
	}
	if errors.As(err, &notYet{}) {
		err = nil
	}
	s.conn.readable = s.conn.readable || n == len(b) || err != nil // then it is told again
	if failed := s.flush(); failed != nil {                        // an answer to a key's update
		return n, failed
	}
	return n, err
}

// send seals what the socket takes, and a little more: that is kept, and goes before
// whatever comes next.
func (s *secure) send(b []byte) (n int, err error) {
	l := s.conn.loop
	for n < len(b) {
		if err := s.flush(); err != nil {
			return n, err
		}
		if len(s.out) > 0 {
			return n, nil
		}
		part := b[n:min(len(b), n+sealMost)]
		l.sealed = l.sealed[:0]
		s.gather = &l.sealed
		_, err := s.tls.Write(part)
		s.gather = nil
		if err != nil {
			return n, err
		}
		took, err := s.push(l.sealed)
		if err != nil {
			return n, err // and the socket will take no more
		}
		n += len(part)
		s.out = kept(l.sealed[took:])
	}
	return n, nil
}

// pending tells whether something is sealed that the socket has not taken.
func (s *secure) pending() bool { return s != nil && s.conn.state != away && len(s.out) > 0 }

// flush writes what was kept.
func (s *secure) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	n, err := s.push(s.out)
	if s.out = s.out[n:]; len(s.out) == 0 {
		s.out = nil
	}
	return err
}

// push writes what the socket takes.
func (s *secure) push(b []byte) (n int, err error) {
	for n < len(b) {
		took, err := kernel.Send(s.conn.fd, b[n:], false)
		switch {
		case err == nil:
			n += took
		case errors.Is(err, unix.EINTR):
		case kernel.Temporary(err):
			s.conn.writable = false
			return n, nil
		default:
			return n, err
		}
	}
	return n, nil
}

// writeAll is a goroutine's write: many records, and one call for all of them.
func (s *secure) writeAll(b []byte) (n int, err error) {
	buffer := sealBuffers.Get().(*[]byte)
	defer sealBuffers.Put(buffer)
	for n < len(b) {
		part := b[n:min(len(b), n+sealAtOnce)]
		*buffer = (*buffer)[:0]
		s.gather = buffer
		_, err := s.tls.Write(part)
		s.gather = nil
		if err == nil {
			err = s.first()
		}
		if err == nil {
			_, err = s.tcp.Write(*buffer)
		}
		if err != nil {
			return n, err
		}
		n += len(part)
	}
	return n, nil
}

// Close is a net.Conn's. The loop closes its own sockets itself.
func (s *secure) Close() error {
	if s.tcp == nil {
		return nil
	}
	return s.tcp.Close()
}

// LocalAddr is a net.Conn's, for goroutines.
func (s *secure) LocalAddr() net.Addr { return s.tcp.LocalAddr() }

// RemoteAddr is a net.Conn's.
func (s *secure) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(s.conn.remote) }

// SetDeadline is a net.Conn's, for goroutines.
func (s *secure) SetDeadline(t time.Time) error { return s.tcp.SetDeadline(t) }

// SetReadDeadline is a net.Conn's, for goroutines.
func (s *secure) SetReadDeadline(t time.Time) error { return s.tcp.SetReadDeadline(t) }

// SetWriteDeadline is a net.Conn's; nothing on a loop waits.
func (s *secure) SetWriteDeadline(t time.Time) error {
	if s.tcp == nil {
		return nil // TLS bounds its last word so
	}
	return s.tcp.SetWriteDeadline(t)
}

// sealed is the connection as a goroutine uses it: over TLS.
type sealed struct{ *secure }

// Read is a net.Conn's.
func (s sealed) Read(b []byte) (int, error) { return s.tls.Read(b) }

// Write is a net.Conn's.
func (s sealed) Write(b []byte) (int, error) { return s.writeAll(b) }

var _, _ net.Conn = (*secure)(nil), sealed{}
