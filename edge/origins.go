package edge

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"tandem/edge/upstream"
	"tandem/internal/secret"
	"tandem/internal/setting"
	"tandem/internal/wire"
)

// readUpstreams reads the file of upstreams; --origin is the one for what no row of
// it names.
func (c *Config) readUpstreams() error {
	c.upstreams = nil
	if c.Upstreams != "" {
		text, err := secret.Read(c.Upstreams) // it may hold credentials
		if err == nil {
			err = setting.Document(c.Upstreams, text, &c.upstreams)
		}
		if err == nil {
			err = upstream.Check(c.upstreams)
		}
		if err != nil {
			return fmt.Errorf("--upstreams: %w", err)
		}
	}
	rest := slices.ContainsFunc(c.upstreams, func(u wire.Upstream) bool { return u.Prefix == "/" })
	switch {
	case c.Origin == "" && !rest:
		return fmt.Errorf("--upstreams: %s has no row for /; give one, or --origin", c.Upstreams)
	case c.Origin == "":
		return nil
	case rest:
		return fmt.Errorf("--origin: %s has a row for / as well; leave one of them out", c.Upstreams)
	}
	u := wire.Upstream{Prefix: "/", Node: c.OriginNode}
	for text := range strings.SplitSeq(c.Origin, ",") {
		u.Servers = append(u.Servers, wire.UpstreamServer{URL: strings.TrimSpace(text)})
	}
	if err := wire.CheckUpstreams([]wire.Upstream{u}); err != nil {
		return fmt.Errorf("--origin: %w", err)
	}
	c.upstreams = append(c.upstreams, u)
	return nil
}

// upstreamsFrom is the setting that upstreams come from.
func (c *Config) upstreamsFrom() string {
	if c.Upstreams != "" {
		return "--upstreams"
	}
	return "--origin"
}

// listeners are this edge's, and those of the cluster's nodes, as URLs or HOST:PORT.
func listeners(e *Edge) []string {
	all := append([]string{e.cfg.Listen, e.cfg.AdminListen, e.cfg.NodeListen}, e.bound...)
	p := e.view.Placement()
	for _, node := range p.Edges {
		all = append(all, node.HTTP, node.Admin)
	}
	for _, node := range p.Balancers {
		all = append(all, node.HTTP, node.Admin)
	}
	return all
}

// loopID is how this edge knows its own requests again when its origin leads back
// to it (RFC 8586): an edge alone its own, all edges of a cluster theirs. Caches in
// a row, each of its own, are no loop.
func (c *Config) loopID() string {
	id := make([]byte, 8)
	if c.Secret.Valid() {
		copy(id, c.Secret.Key("cdn loop"))
	} else {
		_, _ = rand.Read(id) // never fails
	}
	return "tandem-" + hex.EncodeToString(id)
}

// ways are an edge's own upstreams, and those of the cluster, which go before them.
// Safe for many goroutines.
type ways struct {
	log     zerolog.Logger
	origins *upstream.Upstreams

	mu    sync.Mutex
	own   []wire.Upstream // by this edge's settings; guarded by mu
	given []wire.Upstream // by the placement; guarded by mu
}

// give puts those of the cluster in place.
func (w *ways) give(all []wire.Upstream) { w.change(func() { w.given = all }) }

// Reload takes over what may change while the edge runs.
func (e *Edge) Reload(cfg Config) { e.ways.change(func() { e.ways.own = cfg.upstreams }) }

// change changes a list, and leads requests by what there is then. What can't be,
// like a certificate that is not on this machine, changes nothing but the log.
func (w *ways) change(by func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	given, own := w.given, w.own
	if by(); wire.SameUpstreams(given, w.given) && wire.SameUpstreams(own, w.own) {
		return
	}
	all := slices.Clone(w.given)
	for _, u := range w.own {
		if !slices.ContainsFunc(w.given, func(g wire.Upstream) bool { return g.Prefix == u.Prefix }) {
			all = append(all, u)
		}
	}
	if err := w.origins.Set(all); err != nil {
		w.log.Error().Err(err).Msg("the new upstreams can't be used here; origins are asked as before")
		return
	}
	w.log.Info().Int("cluster", len(w.given)).Int("own", len(all)-len(w.given)).Msg("origins are asked by new upstreams")
}
