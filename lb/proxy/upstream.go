package proxy

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
	"time"

	"tandem/internal/front"
	"tandem/internal/identity"
)

const (
	upstreamBuffer = 16 << 10  // of a connection: a head and a small body in one read, in bytes
	bodyBuffer     = 256 << 10 // of a body that can't be spliced: TLS records go out gathered
)

var bodyBuffers = sync.Pool{New: func() any { b := make([]byte, bodyBuffer); return &b }}

// longPast is a deadline that has passed: it interrupts a read.
var longPast = time.Unix(1, 0)

// errCut is what a read gets that was interrupted on purpose.
var errCut = errors.New("interrupted")

// upstream is a connection to an edge, used for one response at a time.
// What was read and not yet used lies in buf[r:w]; a read that runs into its
// deadline loses nothing, so that waiting can be taken up again.
type upstream struct {
	conn       net.Conn // tcp, or TLS over it
	tcp        *net.TCPConn
	raw        syscall.RawConn
	edge       string
	addr       string
	generation uint64 // of the pool when it was dialled
	reused     bool
	idleAt     time.Time

	buf   []byte
	r, w  int
	large *[]byte // from bodyBuffers, while buf is its

	cut atomic.Bool // interrupt was called
}

// dialUpstream opens a connection; who is to be known by a certificate has to show
// it. Go sets TCP_NODELAY.
func dialUpstream(ctx context.Context, to Target, cfg *Config, id *identity.Bundle) (*upstream, error) {
	limit := cfg.Connect
	dialer := net.Dialer{Timeout: limit, Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { front.BoundReceived(int(fd), int(cfg.MaxReceived)) })
	}}
	conn, err := dialer.DialContext(ctx, "tcp", to.Addr)
	if err != nil {
		return nil, err
	}
	tcp := conn.(*net.TCPConn)
	raw, err := tcp.SyscallConn()
	if err != nil {
		_ = tcp.Close()
		return nil, err
	}
	u := &upstream{conn: tcp, tcp: tcp, raw: raw, edge: to.Edge, addr: to.Addr, buf: make([]byte, upstreamBuffer)}
	if to.TLS {
		if err := u.secure(ctx, to, limit, id); err != nil {
			_ = tcp.Close()
			return nil, err
		}
	}
	return u, nil
}

// errNameless is for an edge that is to be known by its certificate, by a balancer
// that has none.
var errNameless = errors.New("the edge wants certificates, and this balancer has none: see --identity")

func (u *upstream) secure(ctx context.Context, to Target, limit time.Duration, id *identity.Bundle) error {
	if id == nil {
		return errNameless
	}
	host, _, err := net.SplitHostPort(to.Addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn := tls.Client(u.tcp, id.Client(host, identity.Want{Role: identity.Edge, Node: to.Edge}, identity.ProtocolHTTP))
	u.conn = conn
	return conn.HandshakeContext(ctx)
}

// plain tells whether the bytes may be moved inside the kernel.
func (u *upstream) plain() bool { return u.conn == u.tcp }

// fill waits until deadline for more bytes behind those in the buffer.
func (u *upstream) fill(deadline time.Time) error {
	if u.r == u.w {
		u.r, u.w = 0, 0
	}
	if u.w == len(u.buf) {
		u.room()
	}
	if err := u.until(deadline); err != nil {
		return err
	}
	n, err := u.conn.Read(u.buf[u.w:])
	u.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && u.cut.Load() {
		return errCut
	}
	return err
}

// room makes place in the buffer: bytes move to its front, or it grows. The
// parsers bound what they leave in it.
func (u *upstream) room() {
	if u.r > 0 {
		u.w = copy(u.buf, u.buf[u.r:u.w])
		u.r = 0
		return
	}
	u.buf = append(u.buf, make([]byte, len(u.buf))...)
}

// until sets the deadline of reads. An interrupt that comes at the same time
// is never lost: it either sees this deadline or is seen here.
func (u *upstream) until(deadline time.Time) error {
	if err := u.tcp.SetReadDeadline(deadline); err != nil {
		return err
	}
	if u.cut.Load() {
		return errCut
	}
	return nil
}

// interrupt makes the read that runs, and every later one, end with errCut.
func (u *upstream) interrupt() {
	u.cut.Store(true)
	_ = u.tcp.SetReadDeadline(longPast)
}

// buffered is what was read and not used.
func (u *upstream) buffered() []byte { return u.buf[u.r:u.w] }

// use drops n bytes of buffered.
func (u *upstream) use(n int) { u.r += n }

// borrow gives the connection a large buffer for a long body.
func (u *upstream) borrow() {
	if u.large != nil {
		return
	}
	u.large = bodyBuffers.Get().(*[]byte)
	u.w = copy(*u.large, u.buffered())
	u.r = 0
	u.buf = *u.large
}

// settle gives a borrowed or grown buffer back. Nothing may lie in it.
func (u *upstream) settle() {
	if u.large != nil {
		bodyBuffers.Put(u.large)
		u.large, u.buf = nil, nil
	}
	if len(u.buf) != upstreamBuffer {
		u.buf = make([]byte, upstreamBuffer)
	}
	u.r, u.w = 0, 0
}

// close ends the connection. After an unfinished body the kernel resets it, so
// that the edge stops at once.
func (u *upstream) close() {
	_ = u.tcp.Close()
	if u.large != nil {
		bodyBuffers.Put(u.large)
		u.large, u.buf = nil, nil
	}
}
