package fetch

import (
	"net/http"

	"tandem/edge/rules"
	"tandem/internal/h1"
)

// A file that grows has another length each time that it is asked for: the parts of
// a live playlist may be ranges of it (rfc8216bis 4.4.4.9), and so may its segments.
// A copy is of the moment at which it was made. What lies in it is given out of it;
// what does not is asked of the origin as the viewer asked for it, at once, and not
// kept: the origin has it, or holds the request until it has.

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
