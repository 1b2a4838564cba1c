package h2

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"

	"tandem/internal/h1"
)

// Server guards a server of net/http that speaks TLS itself, and may be asked by HTTP/1.1
// as well. It is to serve on what listen makes of a listener; whoever is cut off is told
// to noisy before.
func Server(s *http.Server, noisy func(from net.Addr)) (listen func(net.Listener) net.Listener) {
	Guard(s, h1.Limits{}, func(c net.Conn) *Meter {
		if below := belowTLS(c); below != nil {
			return &below.meter
		}
		return nil
	})
	states := s.ConnState
	s.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateActive {
			if below := belowTLS(c); below != nil && c.(*tls.Conn).ConnectionState().NegotiatedProtocol == "h2" {
				below.counts.Store(true)
			}
		}
		if states != nil {
			states(c, state)
		}
	}
	return func(ln net.Listener) net.Listener { return listener{ln, noisy} }
}

func belowTLS(c net.Conn) *conn {
	over, ok := c.(*tls.Conn)
	if !ok {
		return nil
	}
	below, _ := over.NetConn().(*conn)
	return below
}

type listener struct {
	net.Listener
	noisy func(net.Addr)
}

// Accept is a net.Listener's.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, noisy: l.noisy}, nil
}

// conn is a connection below TLS.
type conn struct {
	net.Conn
	noisy  func(net.Addr)
	counts atomic.Bool // it speaks HTTP/2
	meter  Meter
}

// Read is a net.Conn's.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.counts.Load() && !c.meter.Received(n) {
		c.noisy(c.RemoteAddr())
		_ = c.Conn.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

// Write is a net.Conn's.
func (c *conn) Write(b []byte) (int, error) {
	c.meter.Sent(len(b))
	return c.Conn.Write(b)
}
