package edge

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"tandem/edge/rules"

	"tandem/internal/media"
	"tandem/internal/wire"
	"tandem/segstore"
)

// groupScheme begins a destination that is a multicast group.
const groupScheme = "udp://"

// askForPair asks the origin for an object that both members of a pair are to
// hold, and tells it to whom else to send it: to the other member (claim 7), or
// to the group that both have joined (claim 6). An origin that knows nothing of
// that answers as usual, and the second copy is made by a hint.
func (e *Edge) askForPair(ctx context.Context, key string, q *wire.Pair, have *segstore.Meta) (*answer, error) {
	to := e.destination(key, q)
	if to == "" || have != nil {
		return e.askOrigin(ctx, key, nil, have, 0, "")
	}
	req, err := e.originRequest(ctx, key, nil, nil, 0, "")
	if err != nil {
		return nil, err
	}
	e.sign(req)
	req.Header.Set(wire.HeaderDest, to)
	req.Header.Set(wire.HeaderPair, strconv.Itoa(int(q.ID)))
	a, err := e.doOrigin(req, key, nil)
	if err != nil {
		return nil, err
	}
	if a.byGroup = a.resp.StatusCode == http.StatusAccepted && strings.HasPrefix(to, groupScheme); !a.byGroup {
		if a.duplicated = a.resp.Header.Get(wire.HeaderDest) == to; a.duplicated {
			a.meta.Fields = "" // the second copy comes without: both answer alike
		}
		return a, nil
	}
	if e.expectDatagrams(a, key) {
		return a, nil
	}
	// No room for it, or not what was asked for: the group's others get it all the
	// same.
	a.close()
	if a, err = e.askOrigin(ctx, key, nil, nil, 0, ""); err == nil {
		a.duplicated, a.meta.Fields = true, ""
	}
	return a, err
}

// destination is whom the origin is told to send an object to, "" for nobody:
// playlists are small, change, and have their own way to the partner.
func (e *Edge) destination(key string, q *wire.Pair) string {
	if e.cfg.Duplication == DuplicateRelay || media.IsPlaylist(media.KindOf(rules.PathOf(key), "")) {
		return ""
	}
	p := e.placement()
	partner, ok := p.Edge(partnerOf(p, q, e.cfg.Name))
	switch {
	case !ok:
		return ""
	case e.cfg.Duplication == DuplicateOrigin:
		return partner.HTTP
	case e.group.joined.Load():
		return groupScheme + e.cfg.MulticastGroup
	}
	return ""
}
