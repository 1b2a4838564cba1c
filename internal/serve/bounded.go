package serve

import (
	"net"
	"sync"
)

// Places bound how many connections a listener has: Enter counts one from an address,
// and gives what takes it out of the count again; false: it is one too many. nil: no
// bound.
type Places func(address string) (leave func(), ok bool)

// bounded is a server whose connections are counted before a byte of them is read, and
// whose clients of HTTP/2 are, as they send.
type bounded struct {
	Server
	places  Places
	metered func(net.Listener) net.Listener
}

// Serve is a Server's.
func (b bounded) Serve(ln net.Listener) error {
	if b.places != nil {
		ln = boundedListener{ln, b.places}
	}
	return b.Server.Serve(b.metered(ln))
}

type boundedListener struct {
	net.Listener
	places Places
}

// Accept is a net.Listener's: those that are too many are reset.
func (l boundedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err != nil {
			host = c.RemoteAddr().String()
		}
		leave, ok := l.places(host)
		if ok {
			return &counted{Conn: c, leave: sync.OnceFunc(leave)}, nil
		}
		if tcp, is := c.(*net.TCPConn); is {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

// counted is a connection that has a place.
type counted struct {
	net.Conn
	leave func()
}

// Close is a net.Conn's.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
