package edge

import (
	"context"
	"net/http"

	"tandem/internal/wire"
)

// duplicate adds to a request for the origin to whom else it is to send the
// object: to the other member of the pair (claim 7), or to the group that both
// have joined (claim 6).
func (e *Edge) duplicate(req *http.Request, key string) {
	if !e.clustered() {
		return
	}
	switch e.cfg.Duplication {
	case DuplicateOrigin:
		p := e.placement()
		q, ok := p.Pair(e.pairOf(pathOf(key)))
		if !ok {
			return
		}
		if other, ok := p.Edge(partnerOf(p, q, e.cfg.Name)); ok {
			e.sign(req)
			req.Header.Set(wire.HeaderDest, other.HTTP)
		}
	case DuplicateMulticast:
		e.sign(req)
		req.Header.Set(wire.HeaderDest, "udp://"+e.cfg.MulticastGroup)
	}
}

func (e *Edge) receiveMulticast(ctx context.Context) error { return wait(ctx) }
