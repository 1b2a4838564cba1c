package edge

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

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
			err = wire.CheckUpstreams(c.upstreams)
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
	u := wire.Upstream{Prefix: "/"}
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
