// Package ranged asks the origin for what one viewer alone gets where that may be a manifest:
// one is read whole, and led, so of one no part is asked for, whatever the viewer wants of it
// (RFC 9110 section 14.2 lets a server pass over Range). The part is given out of what goes out.
//
// Always true:
//   - what is a manifest by its name, or by what is known of it, is asked for without Range;
//   - of anything else the part is asked for; where that says, by its type or beginning, that it
//     is of a manifest, the whole is asked for;
//   - what neither says, and may be text, is asked for its beginning besides, once a minute.
//
// Guards: recent.Names' own. May be lost: all of it. The package starts no goroutine.
package ranged

import (
	"net/http"
	"strconv"
	"time"

	"tandem/edge/fetch"
	"tandem/edge/manifest"
	"tandem/edge/recent"
	"tandem/edge/rules"
	"tandem/internal/h1"
	"tandem/internal/media"
	"tandem/segstore"
)

// Reader asks. Safe for many goroutines.
type Reader struct {
	Fetch     *fetch.Fetcher
	Manifests *manifest.Cache
	Now       func() time.Time

	none recent.Names // keys of what is no manifest by its beginning
}

// Pass is fetch.Fetcher's of a GET or HEAD.
func (t *Reader) Pass(r *http.Request, key string, waiting fetch.Waiting) (*fetch.Answer, error) {
	target := rules.TargetOf(key)
	if r.Header.Get("Range") == "" {
		return t.Fetch.Pass(r, target, nil, waiting)
	}
	whole := asking(r, "")
	if media.IsPlaylist(media.KindOf(rules.PathOf(key), "")) || t.Manifests.Kept(key) != nil {
		return t.Fetch.Pass(whole, target, nil, waiting)
	}
	a, err := t.Fetch.Pass(r, target, nil, waiting)
	if err != nil || !t.ofManifest(a, whole, key, waiting) {
		return a, err
	}
	leave(a)
	return t.Fetch.Pass(whole, target, nil, waiting)
}

// asking is a request for another part, "" the whole.
func asking(r *http.Request, part string) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Del("Range")
	r.Header.Del("If-Range")
	if part != "" {
		r.Header.Set("Range", part)
	}
	return r
}

func leave(a *fetch.Answer) {
	a.Cancel()
	a.Close()
}

// ofManifest tells whether an answer to a Range is of a manifest.
func (t *Reader) ofManifest(a *fetch.Answer, whole *http.Request, key string, waiting fetch.Waiting) bool {
	head := a.Head()
	m := segstore.Meta{Status: http.StatusOK, ContentType: head.Header.Get("Content-Type")}
	switch head.StatusCode {
	case http.StatusPartialContent:
	case http.StatusRequestedRangeNotSatisfiable: // what goes out may be longer
		m.ContentType = "" // it is the error's
	default:
		return false
	}
	if !manifest.Doubtful(key, &m) {
		return false
	}
	if media.IsPlaylist(media.KindOf("", m.ContentType)) {
		return true
	}
	part, ok := h1.ParseContentRange(head.Header.Get("Content-Range"))
	if ok && part.First == 0 && whole.Method == http.MethodGet && (part.Last+1 >= manifest.Sniffed || part.Last+1 == part.Total) {
		return begins(a)
	}
	return manifest.Candidate(key, &m) && t.beginsWhole(whole, key, waiting)
}

// beginsWhole asks for the beginning.
func (t *Reader) beginsWhole(whole *http.Request, key string, waiting fetch.Waiting) bool {
	if t.none.Has(key, t.Now()) {
		return false
	}
	r := asking(whole, "bytes=0-"+strconv.Itoa(manifest.Sniffed-1))
	r.Method = http.MethodGet
	a, err := t.Fetch.Pass(r, rules.TargetOf(key), nil, waiting)
	if err != nil {
		return false
	}
	defer leave(a)
	if media.IsPlaylist(media.KindOf("", a.Head().Header.Get("Content-Type"))) || begins(a) {
		return true
	}
	t.none.Add(key, t.Now())
	return false
}

// begins tells whether a body, which is whole or a beginning, begins as a manifest does.
func begins(a *fetch.Answer) bool {
	encoding := a.Head().Header.Get("Content-Encoding")
	return media.Sniff(manifest.Beginning(encoding, a.Peek(encoding))) != media.Other
}
