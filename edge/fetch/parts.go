package fetch

import (
	"context"
	"errors"
	"math"
	"net/http"
	"path"

	"tandem/edge/entire"
	"tandem/edge/rules"
	"tandem/edge/upstream"
	"tandem/internal/h1"
	"tandem/internal/media"
	"tandem/segstore"
)

// ErrWhole: an object is to be had whole, or not at all.
var ErrWhole = entire.Err

// Parts that show no version (entire.Loose) are asked for by each viewer alone.
const (
	farOff     = 4 * rules.SliceSize // from there on, where the whole is not about to reach it
	mostBeside = 64 << 20            // bytes of the whole that is got beside, for the next ones
)

// Slices is an object of which only slices are here, all of one version.
type Slices struct {
	Meta segstore.Meta // of the whole

	f     *Fetcher
	r     *http.Request
	x     Request
	first int64
	view  *segstore.View // of the first
}

// Close gives back the first slice.
func (s *Slices) Close() { s.view.Close() }

// Open is the slice of that number, filled if need be; the caller closes it.
func (s *Slices) Open(ctx context.Context, number int64) (*segstore.View, error) {
	if number == s.first {
		return s.view, nil
	}
	for again := false; ; again = true {
		view, how, err := slice(s.f, s.r.WithContext(ctx), s.x, number, silent{})
		if err != nil {
			return nil, err
		}
		if whole, begin, ok := rules.Whole(view.Meta()); ok && begin == number*rules.SliceSize && whole.ETag == s.Meta.ETag && whole.Size == s.Meta.Size {
			return view, nil
		}
		view.Close()
		if again || how.Outcome != segstore.Hit {
			break
		}
		s.f.store.Delete(rules.SliceKey(s.x.Key, number)) // it may be the older one
	}
	s.f.Forget(rules.TargetOf(s.x.Key)) // else they differ for as long as the older one is fresh: who asks next gets the whole
	s.f.wholes.Add(s.x.Key, s.f.now())
	return nil, ErrChanged
}

// First is the number of the slice that is open already: it is closed with all.
func (s *Slices) First() int64 { return s.first }

// silent hears nothing.
type silent struct{}

func (silent) Start()                   {}
func (silent) Interim(int, http.Header) {}
func (silent) Stop()                    {}

// slice finds or fills one slice.
func slice(f *Fetcher, r *http.Request, x Request, number int64, waiting Waiting) (*segstore.View, rules.CacheStatus, error) {
	x.Key = rules.SliceKey(x.Key, number)
	return f.look(unranged(r), &x, &passThrough{closed: true, interim: waiting.Interim}, waiting)
}

// unranged is a request for what a key is of, whatever part of it the viewer wants.
func unranged(r *http.Request) *http.Request {
	whole := r.Clone(r.Context())
	for _, name := range append(conditions, "Range") {
		whole.Header.Del(name)
	}
	return whole
}

// conditions are the fields by which an answer may be another one.
var conditions = []string{"If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}

// lookParts answers a range of an object that is not here out of slices, and HEAD by
// the origin's head. False: the object is to be had whole.
func lookParts(f *Fetcher, r *http.Request, x *Request, waiting Waiting) (Found, bool, error) {
	if x.Whole || x.Cached || x.Peer || f.store.Has(x.Key) || media.IsPlaylist(media.KindOf(x.Path, "")) || rules.OnlyIfCached(r.Header) {
		return Found{}, false, nil
	}
	view, ok := f.store.Peek(rules.SliceKey(x.Key, 0))
	if !ok {
		view, ok = f.store.Growing(rules.SliceKey(x.Key, 0))
	}
	if ok {
		meta := view.Meta()
		view.Close()
		if whole, _, ok := rules.Whole(meta); ok && whole.Size == meta.Size { // all of it is one slice
			if _, grows := f.manifests.Grows(rules.TargetOf(x.Key)); grows && r.Header.Get("Range") == "" {
				return Found{}, false, nil // or was
			}
			return partFound(f, r, x, 0, waiting)
		}
	}
	if r.Method == http.MethodHead {
		return headFound(f, r, x, waiting)
	}
	asked, ok := h1.ParseRange(r.Header.Get("Range"))
	apart := f.loose.Has(x.Key, f.now())
	if !ok || asked.First == 0 && asked.OpenEnd() || !apart && (f.wholes.Has(path.Dir(x.Path), f.now()) || f.wholes.Has(x.Key, f.now())) {
		return Found{}, false, nil
	}
	begin := asked.First
	switch {
	case begin < 0 && apart:
		return alone(farOff)
	case begin < 0: // the last bytes: of how many?
		head, ok, err := headFound(f, rules.HeadOf(r), x, waiting)
		if err != nil || !ok || head.Head == nil || head.Head.Status != http.StatusOK || head.Head.Size < 1 {
			return Found{}, false, nil
		}
		begin = max(head.Head.Size-asked.Last, 0)
	}
	if view, ok := f.store.Growing(x.Key); ok {
		near := view.Available()+rules.SliceSize > begin
		view.Close()
		if near {
			return Found{}, false, nil
		}
	}
	if apart {
		return alone(begin)
	}
	return partFound(f, r, x, begin/rules.SliceSize, waiting)
}

// alone is what a range gets of an object whose parts show no version: the origin's own, where
// it would wait long for the whole.
func alone(begin int64) (Found, bool, error) {
	if begin < farOff {
		return Found{}, false, nil
	}
	return Found{How: rules.CacheStatus{Why: rules.ForwardMiss}}, true, ErrPass
}

// partFound finds or fills the first slice that is needed.
func partFound(f *Fetcher, r *http.Request, x *Request, number int64, waiting Waiting) (Found, bool, error) {
	view, how, err := slice(f, r, *x, number, waiting)
	var parts entire.Loose
	switch {
	case errors.As(err, &parts) && parts.Total > farOff:
		if f.loose.Add(x.Key, f.now()); parts.Total <= mostBeside && number*rules.SliceSize >= farOff {
			f.store.Renew(x.Key, f.source(f.fetchRequest(r, x, nil)))
		}
		return alone(number * rules.SliceSize)
	case errors.Is(err, ErrWhole):
		f.wholes.Add(path.Dir(x.Path), f.now())
		return Found{}, false, nil
	case err != nil:
		return Found{How: how}, true, err
	}
	meta := view.Meta()
	whole, begin, ok := rules.Whole(meta)
	switch {
	case !ok: // an error of the origin's
		return Found{View: view, How: how}, true, nil
	case begin != number*rules.SliceSize:
		view.Close()
		return Found{}, false, nil
	}
	return Found{How: how, Slices: &Slices{Meta: whole, f: f, r: r, x: *x, first: number, view: view}}, true, nil
}

// headFound asks for the head alone. An origin that answers HEAD with an error, or with
// no answer, may know GET alone.
func headFound(f *Fetcher, r *http.Request, x *Request, waiting Waiting) (Found, bool, error) {
	if f.store.Filling(x.Key) {
		return Found{}, false, nil
	}
	own := *x
	own.Key = rules.HeadKey(x.Key)
	hand := &passThrough{closed: !rules.Plain(r.Header, nil), interim: waiting.Interim}
	view, how, err := f.look(r, &own, hand, waiting)
	status, a := hand.take()
	how.Status = status
	switch {
	case a != nil && rules.RefusesHead(status):
		a.close()
		return Found{}, false, nil
	case a != nil:
		return Found{How: how, Passed: &Answer{answer: a, f: f}}, true, nil
	case errors.Is(err, upstream.ErrAnswer) && !errors.Is(err, context.DeadlineExceeded) && r.Context().Err() == nil:
		return Found{}, false, nil // some close the connection
	case err != nil:
		return Found{How: how}, !errors.Is(err, ErrWhole), err
	}
	defer view.Close()
	meta, _, ok := rules.Whole(view.Meta())
	if !ok || media.IsPlaylist(media.KindOf(x.Path, meta.ContentType)) || rules.RefusesHead(meta.Status) {
		return Found{}, false, nil
	}
	return Found{How: how, Head: &meta}, true, nil
}

// settlePart makes of an origin's answer to a request for a part, or for a head,
// what is kept of it.
func (a *answer) settlePart(key string, first int64) error {
	whole := a.meta.Digest
	a.meta.Digest = "" // it is that of all of the object
	if rules.IsHead(key) {
		a.meta.Fields = rules.Extent(a.meta.Fields, 0, a.meta.Size)
		a.meta.Size, a.meta.Volatile = 0, true
		return nil
	}
	if asked, ok := rules.RangeOf(key); ok {
		return a.settleRange(asked, first)
	}
	number, ok := rules.SliceOf(key)
	if !ok {
		a.meta.Digest = whole
		return nil
	}
	begin := number * rules.SliceSize
	switch a.resp.StatusCode {
	case http.StatusOK:
		return ErrWhole
	case http.StatusRequestedRangeNotSatisfiable:
		return ErrPass
	case http.StatusPartialContent:
		total, tag, ok := rules.PartOf(a.resp, begin+first, begin+rules.SliceSize-1)
		switch {
		case media.IsPlaylist(a.head.Kind), !ok && total == 0:
			return ErrWhole
		case !ok:
			return entire.Loose{Total: total}
		}
		a.meta.ETag = tag
		a.meta.Status, a.head.Status, a.head.Empty = http.StatusOK, http.StatusOK, false
		a.meta.Size = min(total-begin, rules.SliceSize)
		a.meta.Fields = rules.Extent(a.meta.Fields, begin, total)
	}
	return nil
}

// spanOf is the part of an object that a key is of, from a byte of it on. False: it
// is of the whole.
func spanOf(key string, first int64) (begin, end int64, ok bool) {
	if asked, ok := rules.RangeOf(key); ok {
		return asked.First + first, asked.Last, true
	}
	number, ok := rules.SliceOf(key)
	if !ok {
		return first, math.MaxInt64, false
	}
	begin = number * rules.SliceSize
	return begin + first, begin + rules.SliceSize - 1, true
}
