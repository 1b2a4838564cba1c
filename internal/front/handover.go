package front

import (
	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
	"tandem/internal/front/others"
)

// Others takes connections that speak TLS where requests are expected in clear.
type Others = others.Listener

// NewOthers is for a server that listens at an address, BoundNodes for a listener that is
// the nodes' own.
var (
	NewOthers  = others.New
	BoundNodes = others.Bound
)

// recordHandshake begins a connection of TLS (RFC 8446 section 5.1); no request does.
const recordHandshake = 0x16

// handOver takes a connection from its loop that begins with TLS. False: it does not,
// or nobody is there for it.
func handOver(c *Conn, b []byte) bool {
	s, client := c.loop.server, c.client
	if b[0] != recordHandshake || s.cfg.Others == nil {
		return false
	}
	tcp, err := kernel.SocketOf(c.fd)
	if err != nil {
		c.close()
		return true
	}
	c.leave()
	c.loop.tried(c)
	unknown(c)
	c.loop.Forget(c.fd) // its copy lives on
	_ = unix.Close(c.fd)
	c.state, c.input = closed, nil
	c.loop.held.Add(-1)
	s.open.Add(-1)
	s.cfg.Others.Give(tcp, b, func(node bool) {
		if n, ok := client.(interface{ Node() }); ok && node {
			n.Node()
		}
		s.cfg.Leave(client)
	})
	return true
}
