package lb

import (
	"slices"
	"strings"

	"tandem/internal/cachekey"
	"tandem/internal/media"
	"tandem/internal/ring"
	"tandem/internal/wire"
)

// redirects tells whether the viewers of a stream fetch its media from the edges.
func (c *Config) redirects(stream string) bool {
	return slices.ContainsFunc(c.Redirect, func(prefix string) bool { return strings.HasPrefix(stream, prefix) })
}

// direct is the base URL of the edge from which a viewer is to fetch a target itself,
// "" when the balancer carries it: all but media, for what manifests lead to has to
// come back here, where it is known who is alive.
func direct(p *wire.Placement, suspected func(edge string) bool, edge, partner, target string) string {
	if !isMedia(target) {
		return ""
	}
	for _, name := range []string{edge, partner} {
		if e, ok := p.Edge(name); ok && ring.HasCopy(e.State) && !suspected(name) {
			return e.Public
		}
	}
	return ""
}

// isMedia tells that a target is no manifest, by its name.
func isMedia(target string) bool {
	kind := media.KindOf(cachekey.Path(target), "")
	return kind == media.Segment || kind == media.Init
}
