package edge

import (
	"sync"

	"github.com/rs/zerolog"

	"tandem/edge/upstream"
	"tandem/internal/media"
)

// ours says what of the URIs in a manifest is ours: the servers of the upstreams,
// by the names of --origin-hosts as well, and the cluster by those of
// --public-hosts.
type ours struct {
	log     zerolog.Logger
	origins *upstream.Upstreams
	alias   []string
	public  []string

	mu      sync.Mutex
	version any                      // of the upstreams; guarded by mu
	known   map[string]*media.Origin // by the prefix of the manifest's upstream; guarded by mu
}

// of is what is ours to the manifest of a target.
func (o *ours) of(target string) *media.Origin {
	version, prefix := o.origins.Version(), o.origins.Prefix(target)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.version != version {
		o.version, o.known = version, map[string]*media.Origin{}
	}
	if known := o.known[prefix]; known != nil {
		return known
	}
	made, err := media.NewOrigin(o.roots(target)...)
	if err != nil {
		o.log.Error().Err(err).Msg("hosts can't be read; manifests are not led by them")
		made = media.Unnamed()
	}
	o.known[prefix] = made
	return made
}

// roots are those of all servers; the first is that of the manifest's own.
func (o *ours) roots(target string) []media.Root {
	var roots []media.Root
	places, _ := o.origins.Places(target)
	for i, p := range places {
		r := media.Root{Hosts: []string{p.Base.Scheme + "://" + p.Base.Host}, Path: p.Base.EscapedPath(), Prefix: p.Prefix}
		if p.Host != "" {
			r.Hosts = append(r.Hosts, p.Host)
		}
		if i == 0 {
			r.Hosts = append(r.Hosts, o.alias...)
		}
		roots = append(roots, r)
	}
	return append(roots, media.Root{Hosts: o.public, Any: true})
}

// lead is a reference in an answer for a target with the session's prefix; false:
// it stays as it is.
func (o *ours) lead(target, ref, prefix string) (string, bool) {
	return o.of(target).Led(target, ref, prefix)
}
