package fetch

import (
	"errors"
	"net/http"
	"path"
	"slices"

	"tandem/edge/rules"
	"tandem/internal/h1"
	"tandem/internal/media"
)

// A file that grows has another length each time that it is asked for: the parts of
// a live playlist may be ranges of it (rfc8216bis 4.4.4.9), and so may its segments.
// A copy is of the moment at which it was made. What lies in it is given out of it;
// what does not is asked of the origin as the viewer asked for it, at once: the origin
// has it, or holds the request until it has. Who asks for the same bytes meanwhile, at
// either member of the pair, waits for that one request; what the origin gave in full
// is kept as these bytes, for all who come later.

// grown tells whether a request is for more of a file that grows than any copy here
// holds.
func grown(f *Fetcher, r *http.Request, x *Request) bool {
	asked, ok := h1.ParseRange(r.Header.Get("Range"))
	if x.Peer || x.Cached || x.Whole || !ok || asked.First < 0 || r.Method != http.MethodGet {
		return false
	}
	size, known := sizeHere(f, x.Key, asked.First)
	if known && (asked.First > 0 || !asked.OpenEnd()) && rules.Covers(r.Header.Get("Range"), size) {
		return false
	}
	listed, grows := f.manifests.Grows(rules.TargetOf(x.Key))
	switch {
	case !grows:
		return false
	case asked.First >= listed: // it is to come
		return true
	case asked.OpenEnd() || asked.First/rules.SliceSize != asked.Last/rules.SliceSize:
		return true // slices of two moments are two versions
	}
	return known
}

// lookGrown finds or fills the very range that is asked for.
func lookGrown(f *Fetcher, r *http.Request, x *Request, waiting Waiting) (Found, error) {
	how := rules.CacheStatus{Why: rules.ForwardMiss}
	if f.wholes.Has(path.Dir(x.Path), f.now()) || slices.ContainsFunc(conditions, func(name string) bool { return r.Header[name] != nil }) {
		return Found{How: how}, ErrPass
	}
	asked, _ := h1.ParseRange(r.Header.Get("Range"))
	own, plain := *x, unranged(r)
	own.Key = rules.RangeKey(x.Key, asked)
	hand := &passThrough{closed: !rules.Plain(plain.Header, nil), interim: waiting.Interim}
	view, how, err := f.look(plain, &own, hand, waiting)
	status, a := hand.take()
	how.Status = status
	switch {
	case a != nil:
		return Found{How: how, Passed: &Answer{answer: a, f: f}}, nil
	case errors.Is(err, ErrWhole):
		f.wholes.Add(path.Dir(x.Path), f.now())
		return Found{How: how}, ErrPass
	case err != nil:
		return Found{How: how}, err
	}
	meta := view.Meta()
	switch _, begin, part := rules.Whole(meta); {
	case part && begin == asked.First:
		return Found{View: view, How: how, Part: true}, nil
	case meta.Status == http.StatusOK: // a neighbour's that knows no ranges
		view.Close()
		return Found{How: how}, ErrPass
	}
	return Found{View: view, How: how}, nil // an error of the origin's
}

// settleRange makes of an origin's answer to a request for a range what is given to
// all who wait for it. It is kept where it is all that was asked for.
func (a *answer) settleRange(asked h1.Range, first int64) error {
	switch a.resp.StatusCode {
	case http.StatusOK:
		return ErrWhole
	case http.StatusPartialContent:
		asked.First += first
		r, ok := rules.RangeIn(a.resp, asked)
		if !ok || media.IsPlaylist(a.head.Kind) {
			return ErrWhole
		}
		a.meta.Status, a.head.Status, a.head.Empty = http.StatusOK, http.StatusOK, false
		a.meta.Size = r.Length()
		a.meta.Fields = rules.Extent(a.meta.Fields, r.First-first, r.Total)
		a.transient = a.transient || r.Last < asked.Last
	}
	return nil
}

// sizeHere is how long an object is by the copy of it that is here.
func sizeHere(f *Fetcher, key string, first int64) (size int64, known bool) {
	for _, at := range []string{key, rules.SliceKey(key, first/rules.SliceSize)} {
		view, ok := f.store.Peek(at)
		if !ok {
			continue
		}
		m := view.Meta()
		view.Close()
		if at != key {
			m, _, ok = rules.Whole(m)
		}
		if ok && m.Size >= 0 {
			return m.Size, true
		}
	}
	return 0, false
}
