package upstream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/wire"
)

// maxStrange bounds the servers that are known by redirects alone.
const maxStrange = 16

// ErrLed: a redirect leads to where no origin may lead an edge.
var ErrLed = errors.New("its redirect is not followed")

// elsewhere is a server that a redirect alone names: nothing of the upstream's
// setting, its credentials least of all, goes there; all of it where that is the same
// server by https.
func (g *group) elsewhere(to *url.URL, same *server) (*server, error) {
	name, c := to.Scheme+"://"+to.Host, wire.Upstream{Prefix: g.config.Prefix}
	key := name
	if same != nil {
		name, c = byHTTPS(same, to), g.config
		if key = name + " for " + same.name; c.TLSName == "" {
			c.TLSName = to.Hostname()
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.strange[key]; s != nil {
		return s, nil
	}
	s, err := newServer(&group{u: g.u, config: c}, &wire.UpstreamServer{URL: name})
	if err != nil {
		return nil, fmt.Errorf("%w: it redirects to %w", ErrAnswer, err)
	}
	if s.dialer.may = g.mayLead; same != nil {
		s.basic, s.plain = same.basic, same
		g.u.deps.Logger.Warn().Str("origin", same.name).Str("upstream", g.config.Prefix).Msg("the origin leads to https: each request costs two until it is named so in --origin or the upstreams")
	}
	for old, other := range g.strange {
		if len(g.strange) < maxStrange {
			break
		}
		other.close()
		delete(g.strange, old) // any will do
	}
	if g.strange == nil {
		g.strange = map[string]*server{}
	}
	g.strange[key] = s
	return s, nil
}

// byHTTPS is the URL of a server that leads to https: at its own host, whatever it is called by.
func byHTTPS(s *server, to *url.URL) string {
	u := *s.base
	u.Scheme, u.Host = to.Scheme, strings.TrimSuffix(s.base.Host, ":"+s.base.Port())
	if to.Port() != "" {
		u.Host += ":" + to.Port()
	}
	return u.String()
}

// unrecognised are a viewer's fields for another server than the one that they were sent to:
// without those by which that knows the viewer (RFC 9110 section 15.4).
func unrecognised(h http.Header) http.Header {
	h = maps.Clone(h)
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie", "Cookie2"} {
		delete(h, name)
	}
	return h
}

// place is what an address is of, by itself.
type place int

const (
	anywhere place = iota
	machine        // this one: loopback, or unspecified
	link           // what hangs on the same wire, or a cloud's own service
)

func placeOf(a netip.Addr) place {
	switch {
	case a.IsLoopback(), a.IsUnspecified():
		return machine
	case a.IsLinkLocalUnicast(), a.IsMulticast():
		return link
	}
	return anywhere
}

// mayLead tells whether a redirect of this upstream may lead to an address: not to this
// machine's own or the link's, nor to a listener of the cluster, unless the upstream itself
// is there. It is asked when a connection is made: names are resolved by then.
func (g *group) mayLead(ctx context.Context, at netip.AddrPort) error {
	there, beside := placeOf(at.Addr()), false
	for _, s := range g.servers {
		own, _ := s.dialer.addresses(ctx)
		for _, a := range own {
			if a == at.Addr() && s.dialer.port == strconv.Itoa(int(at.Port())) {
				return nil
			}
			beside = beside || placeOf(a) == there && (there != link || a == at.Addr())
		}
	}
	switch {
	case there == machine && !beside:
		return fmt.Errorf("%w: it leads to this machine (%s)", ErrLed, at)
	case there == link && !beside:
		return fmt.Errorf("%w: it leads to an address of the link (%s)", ErrLed, at)
	case g.u.listens(ctx, at):
		return fmt.Errorf("%w: it leads to a listener of this cluster (%s)", ErrLed, at)
	}
	return nil
}

// listens tells whether a listener of the cluster is at an address.
func (u *Upstreams) listens(ctx context.Context, at netip.AddrPort) bool {
	if u.deps.Listeners == nil {
		return false
	}
	return slices.ContainsFunc(u.deps.Listeners(), func(text string) bool {
		if _, behind, found := strings.Cut(text, "://"); found {
			text = behind
		}
		host, port, err := net.SplitHostPort(strings.TrimSuffix(text, "/"))
		if err != nil || port != strconv.Itoa(int(at.Port())) {
			return false
		}
		if host == "" {
			return own(at.Addr())
		}
		a, err := netip.ParseAddr(host)
		if err != nil {
			found, _ := u.deps.Lookup(ctx, host)
			return slices.ContainsFunc(found, func(a netip.Addr) bool { return a.Unmap() == at.Addr() })
		}
		return a.Unmap() == at.Addr() || a.IsUnspecified() && own(at.Addr()) || at.Addr().IsUnspecified() && own(a.Unmap())
	})
}

// own tells whether an address is one of this machine's.
func own(at netip.Addr) bool {
	if placeOf(at) == machine {
		return true
	}
	all, _ := net.InterfaceAddrs()
	return slices.ContainsFunc(all, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr() == at.WithZone("")
	})
}
