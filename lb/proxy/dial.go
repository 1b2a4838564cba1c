package proxy

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

// dialer opens connections to edges.
type dialer struct {
	limit       time.Duration    // how long it may take, in goroutines
	most        int64            // bytes that a connection may hold, received and not read; 0: what the system likes
	identity    *identity.Bundle // for targets with TLS; nil: there are none
	generations *generations
	resolved    *names.Resolver
}

var errUnresolved = errors.New("the edge's address has to be looked up")

// OnLoop begins to connect; the loop's events are told to who uses the connection.
func (d *dialer) OnLoop(loop *front.Loop, to Target, eager bool) (*upstream, error) {
	u := &upstream{loop: loop, Edge: to.Edge, addr: to.Addr, generation: d.generations.of(to.Edge), opening: true}
	addr, ok := d.resolved.Find(to.Addr)
	if !ok {
		return nil, errUnresolved
	}
	fd, err := kernel.Connect(addr, int(d.most))
	if err != nil {
		return nil, err
	}
	u.FD = fd
	u.fresh(eager, d.most)
	if err := loop.WatchFirst(fd, u); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return u, nil
}

// dialling is a connection that is being opened for a goroutine. It goes on while somebody
// else is asked beside it: a busy machine's handshakes take long, at all edges alike, and
// who gives each of them up has nobody left to ask.
type dialling struct {
	cancel context.CancelFunc
	done   chan struct{}
	u      *upstream // after done
	err    error     // after done
}

// begin begins to dial for a goroutine; take or end has to follow.
func (d *dialer) begin(ctx context.Context, to Target, eager bool) *dialling {
	w := &dialling{done: make(chan struct{})}
	ctx, w.cancel = context.WithTimeout(ctx, d.limit)
	go func() {
		defer close(w.done)
		w.u, w.err = d.dial(ctx, to, eager)
	}()
	return w
}

// Done is closed when dialling has ended.
func (d *dialling) Done() <-chan struct{} { return d.done }

// take is the connection, or why there is none, after Done.
func (d *dialling) take() (*upstream, error) {
	d.cancel()
	return d.u, d.err
}

// end gives it up.
func (d *dialling) end() {
	d.cancel()
	if <-d.done; d.u != nil {
		d.u.close()
	}
}

// dial opens a connection for a goroutine; who is to be known by a certificate has to
// show it. Go sets TCP_NODELAY.
func (d *dialer) dial(ctx context.Context, to Target, eager bool) (*upstream, error) {
	u := &upstream{Edge: to.Edge, addr: to.Addr, generation: d.generations.of(to.Edge), buf: make([]byte, upstreamBuffer)}
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { kernel.BoundReceived(int(fd), int(d.most)) })
	}}
	conn, err := names.Dial(ctx, &dialer, "tcp", to.Addr)
	if err != nil {
		return nil, err
	}
	if err := u.own(conn.(*net.TCPConn)); err != nil {
		return nil, err
	}
	u.fresh(eager, d.most)
	if to.TLS {
		if err := d.secure(ctx, u, to); err != nil {
			u.close()
			return nil, err
		}
	}
	return u, nil
}

// errNameless is for an edge that is to be known by its certificate, by a balancer
// that has none.
var errNameless = errors.New("the edge wants certificates, and this balancer has none: see --identity")

func (d *dialer) secure(ctx context.Context, u *upstream, to Target) error {
	if d.identity == nil {
		return errNameless
	}
	host, _, err := net.SplitHostPort(to.Addr)
	if err != nil {
		return err
	}
	conn := tls.Client(u.tcp, d.identity.Client(host, identity.Want{Role: identity.Edge, Node: to.Edge}, identity.ProtocolHTTP))
	u.conn = d.identity.Watch(conn)
	return d.identity.Told(conn.HandshakeContext(ctx))
}
