package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/front"
	"tandem/internal/front/kernel"
	"tandem/internal/identity"
	"tandem/internal/names"
)

// Target is an edge and the address at which it is asked, "host:port".
type Target struct {
	Edge, Addr  string
	Incarnation uint64 // of the edge that is meant
	TLS         bool   // at its listener for nodes, with both sides' certificates
}

// Dialer opens connections to edges.
type Dialer struct {
	Limit       time.Duration    // how long it may take, in goroutines
	MaxReceived int64            // bytes that a connection may hold, received and not read; 0: what the system likes
	Identity    *identity.Bundle // for targets with TLS; nil: there are none
	Generations *Generations
	Resolved    *names.Resolver
}

var errUnresolved = errors.New("the edge's address has to be looked up")

// OnLoop begins to connect; the loop's events are told to who uses the connection.
func (d *Dialer) OnLoop(loop *front.Loop, to Target, eager bool) (*Conn, error) {
	u := &Conn{loop: loop, Edge: to.Edge, addr: to.Addr, generation: d.Generations.of(to.Edge), opening: true}
	addr, ok := d.Resolved.Find(to.Addr)
	if !ok {
		return nil, errUnresolved
	}
	fd, err := kernel.Connect(addr, int(d.MaxReceived))
	if err != nil {
		return nil, err
	}
	u.FD = fd
	u.fresh(eager, d.MaxReceived)
	if err := loop.WatchFirst(fd, u); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return u, nil
}

// Dialling is a connection that is being opened for a goroutine. It goes on while somebody
// else is asked beside it: a busy machine's handshakes take long, at all edges alike, and
// who gives each of them up has nobody left to ask.
type Dialling struct {
	cancel context.CancelFunc
	done   chan struct{}
	u      *Conn // after done
	err    error // after done
}

// Begin begins to dial for a goroutine; Take or End has to follow.
func (d *Dialer) Begin(ctx context.Context, to Target, eager bool) *Dialling {
	w := &Dialling{done: make(chan struct{})}
	ctx, w.cancel = context.WithTimeout(ctx, d.Limit)
	go func() {
		defer close(w.done)
		w.u, w.err = d.Dial(ctx, to, eager)
	}()
	return w
}

// Done is closed when dialling has ended.
func (d *Dialling) Done() <-chan struct{} { return d.done }

// Take is the connection, or why there is none, after Done.
func (d *Dialling) Take() (*Conn, error) {
	d.cancel()
	return d.u, d.err
}

// End gives it up.
func (d *Dialling) End() {
	d.cancel()
	if <-d.done; d.u != nil {
		d.u.Close()
	}
}

// Dial opens a connection for a goroutine; who is to be known by a certificate has to
// show it. Go sets TCP_NODELAY.
func (d *Dialer) Dial(ctx context.Context, to Target, eager bool) (*Conn, error) {
	u := &Conn{Edge: to.Edge, addr: to.Addr, generation: d.Generations.of(to.Edge), buf: make([]byte, Buffer)}
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { kernel.BoundReceived(int(fd), int(d.MaxReceived)) })
	}}
	conn, err := names.Dial(ctx, &dialer, "tcp", to.Addr)
	if err != nil {
		return nil, err
	}
	if err := u.Own(conn.(*net.TCPConn)); err != nil {
		return nil, err
	}
	u.fresh(eager, d.MaxReceived)
	if to.TLS {
		if err := d.secure(ctx, u, to); err != nil {
			u.Close()
			return nil, err
		}
	}
	return u, nil
}

// ErrNameless is for an edge that is to be known by its certificate, by a balancer
// that has none.
var ErrNameless = errors.New("the edge wants certificates, and this balancer has none: see --identity")

func (d *Dialer) secure(ctx context.Context, u *Conn, to Target) error {
	if d.Identity == nil {
		return ErrNameless
	}
	host, _, err := net.SplitHostPort(to.Addr)
	if err != nil {
		return err
	}
	conn := tls.Client(u.tcp, d.Identity.Client(host, identity.Want{Role: identity.Edge, Node: to.Edge}, identity.ProtocolHTTP))
	u.conn = d.Identity.Watch(conn)
	return d.Identity.Told(conn.HandshakeContext(ctx))
}
