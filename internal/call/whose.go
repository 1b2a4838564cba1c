package call

import (
	"net"
	"net/url"

	"tandem/internal/identity"
	"tandem/internal/wire"
)

// Whose tells by a placement whom an address leads to; first are the base URLs of
// balancers by which a node found the cluster. What neither names may be any node's.
func Whose(placement func() *wire.Placement, first ...string) func(address string) identity.Want {
	seeds := map[string]bool{}
	for _, base := range first {
		seeds[hostPort(base)] = true
	}
	return func(address string) identity.Want {
		p := placement()
		if want, ok := edgeAt(p, address); ok {
			return want
		}
		for i := range p.Balancers {
			if hostPort(p.Balancers[i].HTTP) == address {
				return identity.Want{Role: identity.Balancer, Node: p.Balancers[i].Name}
			}
		}
		if seeds[address] {
			return identity.Want{Role: identity.Balancer}
		}
		return identity.Want{}
	}
}

// edgeAt is the edge at an address: the one that lives there, where a dead one had it
// before; any, where several say so.
func edgeAt(p *wire.Placement, address string) (want identity.Want, ok bool) {
	lives := 0
	for i := range p.Edges {
		e := &p.Edges[i]
		if hostPort(e.HTTP) != address {
			continue
		}
		if alive := e.State != wire.EdgeDown; alive || !ok {
			want, ok = identity.Want{Role: identity.Edge, Node: e.Name}, true
			if alive {
				lives++
			}
		}
	}
	if lives > 1 {
		want.Node = ""
	}
	return want, ok
}

// hostPort is where a base URL leads, as it is dialled.
func hostPort(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
