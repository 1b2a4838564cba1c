package rights

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

type connectionKey struct{}

// OnConnections makes a server of nodes tell its connections when a node is let through
// on one: until then it is a stranger's, and those are few (front.Others).
func OnConnections(s *http.Server) *http.Server {
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if over, ok := c.(*tls.Conn); ok {
			if known, ok := over.NetConn().(interface{ Proved() }); ok {
				return context.WithValue(ctx, connectionKey{}, known)
			}
		}
		return ctx
	}
	return s
}
