package lb

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tandem/internal/call"
	"tandem/internal/front"
	"tandem/internal/identity"
	"tandem/internal/rights"
	"tandem/internal/sealedhead"
	"tandem/internal/wire"
	"tandem/lb/tell"
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
	server = rights.OnConnections(&http.Server{Handler: p.l.control.Handler(), ReadHeaderTimeout: p.l.cfg.HeaderTimeout, IdleTimeout: nodesIdle, ErrorLog: nodesLog(p.l.log)})
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

// openTickets is for media in clear from edges that allow it; nil: it comes by TLS.
func openTickets(l *LB) *sealedhead.Tickets {
	if l.identity == nil || l.cfg.NodeMedia != wire.MediaPlain {
		return nil
	}
	return sealedhead.NewTickets(l.cfg.Name, l.now, func(ctx context.Context, e sealedhead.Edge) (g sealedhead.Grant, err error) {
		err = l.call.Ask(ctx, http.MethodPost, "https://"+e.Addr+wire.PathSealed, nil, &g)
		if err != nil {
			l.log.Info().Err(err).Str("edge", e.Name).Msg("media comes by TLS from an edge")
		}
		return g, err
	})
}

// deadlyLimit is how long edges may take to hear that a request is deadly.
const deadlyLimit = 500 * time.Millisecond

// tellDeadly tells all edges that edges have died under a request. The viewer is told behind
// it: it may try again at once.
func tellDeadly(l *LB, target string) {
	ctx, cancel := context.WithTimeout(context.Background(), deadlyLimit)
	defer cancel()
	tell.Edges(ctx, l.call, l.control.Placement(), wire.PathWaiting, call.Deadly{Target: target}) // the dead are among them
}

// gone tells whether nobody can connect to an edge.
func gone(ctx context.Context, l *LB, edge string) bool {
	e, ok := l.control.Placement().Edge(edge)
	if !ok {
		return false
	}
	at, err := url.Parse(e.HTTP)
	if err != nil {
		return false
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", at.Host)
	if err == nil {
		_ = conn.Close()
	}
	return err != nil
}

// waitsForOrigin asks an edge whether a body of which so many bytes have come waits for the
// origin.
func waitsForOrigin(ctx context.Context, l *LB, edge, named string, got int64) bool {
	e, ok := l.control.Placement().Edge(edge)
	if !ok {
		return false
	}
	q := url.Values{"id": {named}, "got": {strconv.FormatInt(got, 10)}}
	return l.call.Ask(ctx, http.MethodGet, e.HTTP+wire.PathWaiting+"?"+q.Encode(), nil, nil) == nil
}
