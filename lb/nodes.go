package lb

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"tandem/internal/front"
	"tandem/internal/identity"
	"tandem/internal/rights"
)

// openIdentity reads who this balancer is; nil: nodes have no names here.
func (c *Config) openIdentity(now func() time.Time) (*identity.Bundle, error) {
	if c.Identity == "" {
		return nil, nil
	}
	id, err := identity.OpenAs(c.Identity, identity.Balancer, c.Name, now)
	if err != nil {
		return nil, fmt.Errorf("--identity: %w", err)
	}
	return id, nil
}

// nodesIdle is longer than nodes keep connections.
const nodesIdle = 2 * time.Minute

// Nodes serves the listener for nodes; it is that of viewers, where there is none of
// its own (others). nil: nodes have no names.
func (p Process) Nodes() (server *http.Server, config *tls.Config, others *front.Others) {
	if p.l.identity == nil {
		return nil, nil, nil
	}
	server = rights.OnConnections(&http.Server{Handler: p.l.control.Handler(), ReadHeaderTimeout: p.l.cfg.HeaderTimeout, IdleTimeout: nodesIdle, ErrorLog: serverLog(p.l.log)})
	return server, p.l.identity.Server(identity.ProtocolHTTP), p.l.nodes
}

// openNodes is for nodes that call at the viewers' listener; nil: they don't.
func (c *Config) openNodes() *front.Others {
	addr, err := net.ResolveTCPAddr("tcp", c.Listen)
	if c.Identity == "" || c.NodeListen != "" || err != nil {
		return nil
	}
	return front.NewOthers(addr)
}

// renewed has everybody ask by new connections, which show the new certificate, before the
// old one counts no longer.
func renewed(l *LB) {
	l.call.Close()
	for _, e := range l.control.Placement().Edges {
		l.proxy.Drop(e.Name)
	}
}
