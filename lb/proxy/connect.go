package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
	"tandem/internal/identity"
	"tandem/internal/names"
)

// connect finds an idle connection to the splice's edge, or opens one; false when
// that can't be begun here.
func (r *splice) connect() bool {
	u := r.s.pool.get(r.plan.First, r.eager)
	if u == nil {
		var err error
		if u, err = r.s.dial(r.plan.First, r.eager); err != nil {
			if u = r.s.pool.wide.get(r.plan.First); u == nil { // better than none
				return false
			}
		}
	}
	u.splice, r.conn = r, u
	return true
}

var errUnresolved = errors.New("the edge's address has to be looked up")

// dial begins to connect.
func (s *Splicer) dial(to Target, eager bool) (*upstream, error) {
	u := &upstream{s: s, edge: to.Edge, addr: to.Addr, generation: s.c.generations.of(to.Edge), opening: true}
	addr, ok := s.c.resolved.Find(to.Addr)
	if !ok {
		return nil, errUnresolved
	}
	fd, err := kernel.Connect(addr, int(s.c.cfg.MaxReceived))
	if err != nil {
		return nil, err
	}
	u.fd = fd
	u.fresh(eager, &s.c.cfg)
	if err := s.loop.WatchFirst(fd, u); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return u, nil
}

// opened finds out how connecting ended.
func (u *upstream) opened() {
	r := u.splice
	if err := kernel.Connected(u.fd); err != nil {
		r.end()
		r.handOff(err)
		return
	}
	u.opening = false
	r.speak()
	if u.readable && r.conn == u { // told with the same event, and never again
		r.arrived()
	}
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

// begin begins to dial; await or end has to follow.
func (c *Proxy) begin(ctx context.Context, to Target, eager bool) *dialling {
	d := &dialling{done: make(chan struct{})}
	ctx, d.cancel = context.WithTimeout(ctx, c.cfg.Total)
	go func() {
		defer close(d.done)
		d.u, d.err = c.dial(ctx, to, eager)
	}()
	return d
}

// await waits for the connection: errStalled when it is not there within the limit, and
// may still come; errViewer when ctx has ended.
func (d *dialling) await(ctx context.Context, limit time.Duration) (*upstream, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-d.done:
	case <-timer.C:
		return nil, errStalled
	case <-ctx.Done():
		return nil, errViewer
	}
	if d.err != nil && ctx.Err() != nil { // it may have been given up for that
		return nil, errViewer
	}
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
func (c *Proxy) dial(ctx context.Context, to Target, eager bool) (*upstream, error) {
	u := &upstream{edge: to.Edge, addr: to.Addr, generation: c.generations.of(to.Edge), buf: make([]byte, upstreamBuffer)}
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { kernel.BoundReceived(int(fd), int(c.cfg.MaxReceived)) })
	}}
	conn, err := names.Dial(ctx, &dialer, "tcp", to.Addr)
	if err != nil {
		return nil, err
	}
	if err := u.held(conn.(*net.TCPConn)); err != nil {
		return nil, err
	}
	u.fresh(eager, &c.cfg)
	if to.TLS {
		if err := c.secure(ctx, u, to); err != nil {
			u.close()
			return nil, err
		}
	}
	return u, nil
}

// errNameless is for an edge that is to be known by its certificate, by a balancer
// that has none.
var errNameless = errors.New("the edge wants certificates, and this balancer has none: see --identity")

func (c *Proxy) secure(ctx context.Context, u *upstream, to Target) error {
	if c.deps.Identity == nil {
		return errNameless
	}
	host, _, err := net.SplitHostPort(to.Addr)
	if err != nil {
		return err
	}
	conn := tls.Client(u.tcp, c.deps.Identity.Client(host, identity.Want{Role: identity.Edge, Node: to.Edge}, identity.ProtocolHTTP))
	u.conn = c.deps.Identity.Watch(conn)
	return c.deps.Identity.Told(conn.HandshakeContext(ctx))
}
