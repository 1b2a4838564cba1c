package fetch

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
const GroupScheme = "udp://"

// askForPair asks the origin for an object that both members of a pair are to
// hold, and tells it to whom else to send it: to the other member (claim 7), or
// to the group that both have joined (claim 6). An origin that knows nothing of
// that answers as usual, and the second copy is made by a hint.
func (f *Fetcher) askForPair(ctx context.Context, o fetchRequest, q *wire.Pair, have *segstore.Meta) (*answer, error) {
	to := f.destination(o.key, q)
	if to == "" || have != nil {
		return f.askOrigin(ctx, o, have, rest{})
	}
	r := f.origins.request(o, nil, rest{})
	f.call.Sign(&http.Request{Header: r.Header})
	r.Header.Set(wire.HeaderDest, to)
	r.Header.Set(wire.HeaderPair, strconv.Itoa(int(q.ID)))
	a, err := f.doOrigin(ctx, r, o, 0)
	if err != nil {
		return nil, err
	}
	if a.byGroup = a.resp.StatusCode == http.StatusAccepted && strings.HasPrefix(to, GroupScheme); !a.byGroup {
		if a.duplicated = a.resp.Header.Get(wire.HeaderDest) == to; a.duplicated {
			a.meta.Fields = "" // the second copy comes without: both answer alike
		}
		return a, nil
	}
	if parts := f.group.Expect(a.resp.Header, o.key, a.meta.ContentType); parts != nil {
		a.parts, a.forget = parts, parts.Forget
		a.meta, a.rules.Store = parts.Meta()
		a.resp.StatusCode = http.StatusOK
		a.duplicated = true
		return a, nil
	}
	// No room for it, or not what was asked for: the group's others get it all the
	// same.
	a.close()
	if a, err = f.askOrigin(ctx, o, nil, rest{}); err == nil {
		a.duplicated, a.meta.Fields = true, ""
	}
	return a, err
}

// destination is whom the origin is told to send an object to, "" for nobody:
// playlists are small, change, and have their own way to the partner.
func (f *Fetcher) destination(key string, q *wire.Pair) string {
	if f.cfg.Named && !f.origins.Node(rules.TargetOf(key)) {
		return ""
	}
	if f.cfg.Duplication == DuplicateRelay || media.IsPlaylist(media.KindOf(rules.PathOf(key), "")) {
		return ""
	}
	p := f.view.Placement()
	partner, ok := p.Edge(PartnerOf(p, q, f.cfg.Name))
	switch {
	case !ok:
		return ""
	case f.cfg.Duplication == DuplicateOrigin:
		return partner.HTTP
	case f.group != nil:
		return f.group.Destination()
	}
	return ""
}
