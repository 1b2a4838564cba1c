package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"tandem/internal/wire"
)

// Errors of a request; all wrap one of these.
var (
	ErrNone    = errors.New("no upstream is set for this path")
	ErrConnect = errors.New("no connection")         // nothing was sent
	ErrAnswer  = errors.New("no answer that is one") // reset, malformed, or none in time
)

// Config is what does not change while it runs.
type Config struct {
	HeadTimeout time.Duration // longest wait for the head of an answer, once the request is out
}

// Deps is what Upstreams stand on.
type Deps struct {
	Logger zerolog.Logger
	Now    func() time.Time                                             // time.Now when nil
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error) // the system's when nil
	Nodes  func(host string) *tls.Config                                // for origins of the cluster; nil: this edge has no identity

	Listeners func() []string // of this edge and the cluster, as URLs or HOST:PORT: no redirect leads there; nil: none
}

// Upstreams are the ways to all origins. Safe for many goroutines.
type Upstreams struct {
	cfg    Config
	deps   Deps
	groups atomic.Pointer[[]*group] // the longest prefixes first
}

// New makes the upstreams of a list, which was checked (wire.CheckUpstreams).
func New(cfg Config, deps Deps, all []wire.Upstream) (*Upstreams, error) {
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Lookup == nil {
		deps.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	u := &Upstreams{cfg: cfg, deps: deps}
	u.groups.Store(&[]*group{})
	return u, u.Set(all)
}

// Check tells what is wrong with a list, the files that it names included.
func Check(all []wire.Upstream) error {
	u, err := New(Config{}, Deps{Nodes: func(string) *tls.Config { return new(tls.Config) }}, all)
	if err == nil {
		u.Close()
	}
	return err
}

// Set puts another list in place of the one that is there, or changes nothing.
// What stays as it was keeps its connections and what is known of its health.
func (u *Upstreams) Set(all []wire.Upstream) error {
	if err := wire.CheckUpstreams(all); err != nil {
		return err
	}
	old, next := *u.groups.Load(), make([]*group, 0, len(all))
	for _, c := range all {
		if i := slices.IndexFunc(old, func(g *group) bool { return reflect.DeepEqual(g.config, c) }); i >= 0 {
			next = append(next, old[i])
			continue
		}
		g, err := newGroup(u, c)
		if err != nil {
			return fmt.Errorf("upstream %q: %w", c.Prefix, err)
		}
		next = append(next, g)
	}
	slices.SortFunc(next, func(a, b *group) int { return len(b.config.Prefix) - len(a.config.Prefix) })
	u.groups.Store(&next)
	for _, g := range old {
		if !slices.Contains(next, g) {
			g.close()
		}
	}
	return nil
}

// Close gives up the connections: idle ones at once, busy ones when they are no longer.
func (u *Upstreams) Close() {
	for _, g := range *u.groups.Load() {
		g.close()
	}
}

// of is the group of a request target, nil: none.
func (u *Upstreams) of(target string) *group {
	path, _, _ := strings.Cut(target, "?")
	for _, g := range *u.groups.Load() {
		if strings.HasPrefix(path, g.config.Prefix) {
			return g
		}
	}
	return nil
}

// Place is a server as others name it in what it serves.
type Place struct {
	Prefix string   // of the targets that are asked of it
	Base   *url.URL // never changed
	Host   string   // by which it is asked, where that is another one
}

// Places are all servers, those first that a target is asked of. Version is another
// one when they change.
func (u *Upstreams) Places(target string) (places []Place, version any) {
	groups := u.groups.Load()
	own := u.of(target)
	add := func(g *group) {
		for _, s := range g.servers {
			places = append(places, Place{g.config.Prefix, s.base, g.config.Host})
		}
	}
	if own != nil {
		add(own)
	}
	for _, g := range *groups {
		if g != own {
			add(g)
		}
	}
	return places, groups
}

// Node tells whether a target is asked of an origin of the cluster, which proves that
// it is one.
func (u *Upstreams) Node(target string) bool {
	g := u.of(target)
	return g != nil && g.config.Node
}

// Several tells whether more than one server has what a target names.
func (u *Upstreams) Several(target string) bool {
	g := u.of(target)
	return g != nil && len(g.servers) > 1
}

// Again tells whether a target may be asked for once more, and notes that it is.
func (u *Upstreams) Again(target string) bool {
	g := u.of(target)
	return g != nil && g.budget.spend()
}

// Hung notes that a server (Server) stood still in the midst of a body, which another one
// had.
func (u *Upstreams) Hung(target, server string) {
	if g := u.of(target); g != nil {
		for _, s := range g.servers {
			if s.base.Scheme+"://"+s.base.Host == server {
				s.note(late)
			}
		}
	}
}

// Version is that of Places.
func (u *Upstreams) Version() any { return u.groups.Load() }

// Prefix is that of the upstream of a target, "" for none.
func (u *Upstreams) Prefix(target string) string {
	if g := u.of(target); g != nil {
		return g.config.Prefix
	}
	return ""
}

// Request is one request for an origin.
type Request struct {
	Method string
	Target string // path and query, as they go out
	Header http.Header
	Body   io.Reader // nil: none
	Length int64     // of the body, -1: not known

	First, Last string // of its servers the one that is asked first, or after all others (Server); "": in their own order
}

// Server is who gave an answer: scheme, host and port.
func Server(resp *http.Response) string {
	if resp.Request == nil || resp.Request.URL == nil {
		return ""
	}
	return resp.Request.URL.Scheme + "://" + resp.Request.URL.Host
}

// Do asks. The answer's body is to be closed. Its Location is led back to the
// target space of this package where it names the upstream itself.
func (u *Upstreams) Do(ctx context.Context, r *Request) (*http.Response, error) {
	g := u.of(r.Target)
	if g == nil {
		return nil, ErrNone
	}
	return g.do(ctx, r)
}

// safe methods may be asked twice.
func (r *Request) safe() bool {
	return r.Body == nil && (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions)
}
