package front

import (
	"net/http"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
	"tandem/internal/h1"
	"tandem/internal/proxied"
)

// hearProxy reads the header that a proxy begins the connection with, and nothing behind
// it, and lets the client in that it names. False: it has not come yet, or the connection
// is another's now, or over.
func hearProxy(c *Conn) bool {
	for c.readable {
		b := c.loop.read[:proxied.HeaderMost]
		n, _, err := unix.Recvfrom(c.fd, b, unix.MSG_PEEK)
		switch {
		case n < 0 && kernel.Temporary(err):
			c.readable = false
			return false
		case n <= 0:
			c.close()
			return false
		}
		all := append(c.input, b[:n]...)
		size, whole, err := proxied.Split(all)
		if take := size - len(c.input); err == nil && take > 0 {
			_, err = kernel.Receive(c.fd, b[:take]) // they are there
		}
		if err != nil {
			c.Reset()
			return false
		}
		c.input, c.partial = all[:size], true
		if whole {
			return named(c)
		}
	}
	return false
}

// named takes the client that a whole header names.
func named(c *Conn) bool {
	from, ok, err := proxied.Source(c.input)
	if ok {
		c.remote = from
		known(c)
	}
	c.input, c.partial = nil, false
	c.leave()
	if err != nil || !enter(c, &c.loop.server.cfg) {
		c.Reset()
		return false
	}
	start(c)
	return c.state == heading
}

// follow finds out by a request who asks, where the connection is a proxy's.
func follow(c *Conn, h *h1.Request) {
	p := &c.loop.server.cfg.Proxies
	var values []string
	for _, f := range h.Fields {
		if len(f.Name) == len(p.Field) && strings.EqualFold(f.Name, p.Field) {
			values = append(values, f.Value)
		}
	}
	c.remote = c.other
	if client := p.Trust.Client(c.other.Addr(), p.Field, values); client != c.other.Addr() {
		c.remote = netip.AddrPortFrom(client, 0)
	}
	known(c)
}

// Behind tells that a proxy says in each request who asks: the connection's Client does not.
func Behind(c *Conn) bool { return c.behind }

// asks is follow for HTTP/2.
func (s *Server) asks(r *http.Request) string {
	p := &s.cfg.Proxies
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !p.Trusts(from.Addr()) {
		return r.RemoteAddr
	}
	client := p.Trust.Client(from.Addr(), p.Field, r.Header.Values(p.Field))
	if client == from.Addr() {
		return r.RemoteAddr
	}
	return netip.AddrPortFrom(client, 0).String()
}
