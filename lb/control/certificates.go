package control

import (
	"slices"
	"sync"

	"tandem/internal/identity"
	"tandem/internal/wire"
)

// maxCertificates bounds the names that are known; nodes are fewer.
const maxCertificates = 4096

// certificates is what nodes have shown to this balancer: by their names, the version of
// the placement in which their newest certificate was issued.
type certificates struct {
	mu       sync.Mutex
	versions map[string]shown // guarded by mu
}

type shown struct {
	version uint64
	origin  bool
}

// note is called for each request of a node.
func (s *certificates) note(p identity.Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.versions == nil {
		s.versions = map[string]shown{}
	}
	old, known := s.versions[p.Node]
	if v := p.Version(); !known && len(s.versions) < maxCertificates || known && v > old.version {
		s.versions[p.Node] = shown{v, p.Role == identity.Origin}
	}
}

// before names the nodes that have shown no certificate of a version or a later one: the
// edges and balancers of a placement, and the origins that have spoken here. unheard are
// those of them that have shown none at all. A revoked node is nobody's loss.
func (s *certificates) before(p *wire.Placement, version uint64) (old, unheard []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for i := range p.Edges {
		names = append(names, p.Edges[i].Name)
	}
	for i := range p.Balancers {
		names = append(names, p.Balancers[i].Name)
	}
	for name, was := range s.versions {
		if was.origin {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		was, known := s.versions[name]
		switch void, revoked := p.Trust.RevokedUpTo()[name]; {
		case revoked && was.version <= void:
		case !known:
			unheard = append(unheard, name)
		case was.version < version:
			old = append(old, name)
		}
	}
	return old, unheard
}

// Outdated names the nodes that the end of the old root would shut out: those that have
// shown no certificate of the authority that issues now, and those that have shown none
// here.
func (a *Authority) Outdated() (old, unheard []string) {
	p := a.c.node.Placement()
	if p.Trust == nil || a.c.deps.Identity == nil {
		return nil, nil
	}
	a.shown.note(a.c.deps.Identity.Self())
	return a.shown.before(p, p.Trust.Issuer)
}
