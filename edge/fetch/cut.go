package fetch

import (
	"net/http"

	"tandem/edge/rules"
	"tandem/internal/media"
	"tandem/segstore"
)

// A miss at one member of a pair asks the other one before the origin, which may have
// more than what is asked for: the whole, of which a slice is wanted, or a body that is
// still coming. It answers out of that, and asks nobody.

// Cut is a slice that a neighbour gets out of the whole: what is said of it, and where
// it begins in the view.
type Cut struct {
	Meta  segstore.Meta
	Begin int64
}

// lookCut answers a neighbour that asks for a slice out of the whole that is here, or is
// coming and not far from there. False: there is none. ErrWhole: there is one of which no
// slices are made.
func lookCut(f *Fetcher, r *http.Request, x *Request) (Found, bool, error) {
	number, ok := rules.SliceOf(x.Key)
	if !ok || !x.Peer || f.store.Has(x.Key) {
		return Found{}, false, nil
	}
	key, begin := rules.TargetOf(x.Key), number*rules.SliceSize
	view, ok := f.store.Peek(key)
	if !ok {
		if view, ok = f.store.Growing(key); ok && view.Available()+rules.SliceSize <= begin {
			closeView(view)
			return Found{}, false, nil
		}
	}
	if !ok {
		return Found{}, false, nil
	}
	m := view.Meta()
	switch {
	case m.Status != http.StatusOK || m.Size <= begin || view.Transient() || !view.Fresh(f.now()) || !rules.Selects(m.Vary, r.Header):
		closeView(view)
		return Found{}, false, nil
	case rules.OwnTag(m.ETag) && m.Size > rules.SliceSize, media.IsPlaylist(media.KindOf(x.Path, m.ContentType)) || isManifest(f, key, &m):
		closeView(view)
		return Found{}, true, ErrWhole // another fill's slices would be another version, and manifests come whole
	}
	c := &Cut{m, begin}
	c.Meta.Size, c.Meta.Digest = min(m.Size-begin, rules.SliceSize), "" // that is of all of the object
	c.Meta.Fields = rules.Extent(m.Fields, begin, m.Size)
	f.Counts.Hits.Add(1)
	return Found{View: view, How: rules.CacheStatus{Outcome: segstore.Hit}, Cut: c}, true, nil
}

func isManifest(f *Fetcher, key string, m *segstore.Meta) bool {
	e, ok := f.manifests.Known(key, m)
	return ok && e.Manifest != nil
}

// coming is the body that a fill has begun, for a neighbour that asks for a copy: what
// has begun comes from elsewhere, so two that ask each other don't wait for each other.
// Who repairs the same object asks for ranges: those that are here, as it may be asked too.
func coming(f *Fetcher, r *http.Request, x *Request) (*segstore.View, bool) {
	if !x.Peer || x.Stale {
		return nil, false
	}
	view, ok := f.store.Growing(x.Key)
	if ok && (view.Transient() || !view.Fresh(f.now()) || !rules.Covers(r.Header.Get("Range"), view.Available()) || !rules.Selects(view.Meta().Vary, r.Header)) {
		closeView(view)
		return nil, false
	}
	return view, ok
}
