package edge

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/edge/fetch"

	"tandem/edge/rules"

	"tandem/internal/media"
	"tandem/internal/wire"
	"tandem/segstore"
)

// request is one request for an object.
type request struct {
	fetch.Request
	slot    int    // the session's slot in the pair's table, -1: none
	prefix  string // "/s/<token>": what root-relative URIs in playlists get
	started time.Time
}

// serve answers one request for an object. It does not know who parsed the
// request.
func (e *Edge) serve(w http.ResponseWriter, r *http.Request, x request) {
	ask := x.asksForEntry(r.Header)
	found, err := e.fetch.Look(unconditional(r, ask != ""), &x.Request, &interim{w: w, node: x.Node})
	if err == nil && ask != "" && e.tellEntry(w, r, ask, found) {
		closeFound(found)
		return
	}
	if found.Passed != nil {
		e.handOver(w, r, x, found.How, found.Passed)
		return
	}
	if err != nil {
		e.fail(w, r, x, found.How, err)
		return
	}
	view, how := found.View, found.How
	defer view.Close()
	meta := view.Meta()
	if e.rewritten(&x, &meta) && !redirects(meta.Status) {
		e.head(rules.HeaderWriter{Header: w.Header()}, &meta, &x, how, rules.Plan{Status: http.StatusOK, Part: rules.Range{Last: rules.OpenEnd}})
		e.servePlaylist(w, r, view, x)
		return
	}
	y := rules.PlanFor(r.Header, &meta)
	e.head(rules.HeaderWriter{Header: w.Header()}, &meta, &x, how, y)
	x.locate(w.Header(), y.Status)
	switch {
	case !y.Bodied():
		w.WriteHeader(y.Status)
	case y.Open:
		e.serveOpen(w, r, view, x, r.Header.Get("Range"))
	default:
		e.serveBody(w, r, view, x, y.Status, y.Part.First, y.Part.Last)
	}
}

func closeFound(found fetch.Found) {
	if found.Passed != nil {
		found.Passed.Cancel() // nobody takes the body
		found.Passed.Close()
		return
	}
	found.View.Close()
}

// redirects tells whether Location leads the viewer on.
func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// locate keeps a session's viewer in it where a redirect leads to a path of the
// origin: upstreams give no other address of their own.
func (x *request) locate(h http.Header, status int) {
	to := h.Get("Location")
	if x.prefix != "" && redirects(status) && strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") {
		h.Set("Location", x.prefix+to)
	}
}

// rewritten tells that the answer may have to be changed for the session.
func (e *Edge) rewritten(x *request, m *segstore.Meta) bool {
	if x.prefix != "" && redirects(m.Status) {
		return true
	}
	return x.prefix != "" && m.Status == http.StatusOK && media.IsPlaylist(media.KindOf(x.Path, m.ContentType)) && !e.plain.has(x.Key, m)
}

// serveOpen answers a range of a body whose length nobody knows yet. Only the
// rest from a byte on can be given, and only a balancer that finishes a response
// asks for it (with If-Range; a viewer's own range gets the whole):
// Tandem-Offset says where it begins (FIELD.md B10).
func (e *Edge) serveOpen(w http.ResponseWriter, r *http.Request, view *segstore.View, x request, text string) {
	first, ok := rules.OpenRange(text)
	if !ok || !x.Node || r.Header.Get("If-Range") == "" {
		e.serveBody(w, r, view, x, http.StatusOK, 0, rules.OpenEnd)
		return
	}
	if _, _, err := view.Wait(r.Context(), max(first-1, 0)); err != nil {
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	h.Set(wire.HeaderOffset, strconv.FormatInt(first, 10))
	h.Set("Content-Range", "bytes "+strconv.FormatInt(first, 10)+"-*/*")
	e.serveBody(w, r, view, x, http.StatusPartialContent, first, rules.OpenEnd)
}

// serveBody writes the status and the body, whose last byte may be openEnd.
func (e *Edge) serveBody(w http.ResponseWriter, r *http.Request, view *segstore.View, x request, status int, first, last int64) {
	h := w.Header()
	if !view.Complete() && x.Node {
		h.Set(wire.HeaderWaiting, "1") // the body grows: silence may be the origin's
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead || last+1 == first {
		return
	}
	n, err := send(r.Context(), w, r, view, first, last)
	e.counts.sentBytes.Add(n)
	if err != nil {
		if errors.Is(err, segstore.ErrBroken) || errors.Is(err, fetch.ErrShort) {
			e.counts.broken.Add(1)
			e.log.Warn().Err(err).Str("key", x.Key).Int64("offset", first+n).Msg("body broke off")
		}
		panic(http.ErrAbortHandler) // visibly broken, never silently short
	}
	if status == http.StatusOK || status == http.StatusPartialContent && first+n == view.Size() {
		e.noteDelivered(x)
	}
}

// noteDelivered moves the session's position: the object was written in full.
func (e *Edge) noteDelivered(x request) {
	if x.slot >= 0 {
		e.member.Delivered(x.Pair, x.slot, rules.TargetOf(x.Key))
	}
}

// servePlaylist gives a session's playlist: URIs that would leave the session
// are led back into it. Relative ones, the usual case, cost nothing.
func (e *Edge) servePlaylist(w http.ResponseWriter, r *http.Request, view *segstore.View, x request) {
	size, err := wholeBody(r.Context(), view)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	meta := view.Meta()
	body := make([]byte, size)
	if _, err := view.ReadAt(body, 0); err != nil && size > 0 && int64(len(body)) != size {
		panic(http.ErrAbortHandler)
	}
	out, changed := media.Rewrite(media.KindOf(x.Path, meta.ContentType), body, x.prefix, e.origins.Hosts())
	h := w.Header()
	if changed {
		h.Del("ETag")
		h.Del("Last-Modified")
		h.Del("Accept-Ranges")
		for _, digest := range []string{"Content-Md5", "Content-Digest", "Repr-Digest", "Digest"} {
			h.Del(digest) // they are of the body as it was
		}
		h.Set("Cache-Control", "private, "+shortLife(meta.CacheControl))
	} else {
		e.plain.put(x.Key, &meta)
		if rules.NotModified(r.Header, &meta) {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		n, _ := w.Write(out)
		e.counts.sentBytes.Add(int64(n))
	}
}

// shortLife is a playlist's own life, so that a player's cache does not keep a
// rewritten one longer.
func shortLife(cacheControl string) string {
	for part := range strings.SplitSeq(cacheControl, ",") {
		if part = strings.TrimSpace(part); strings.HasPrefix(part, "max-age=") {
			return part
		}
	}
	return "max-age=1"
}

// wholeBody waits for the last byte.
func wholeBody(ctx context.Context, view *segstore.View) (int64, error) {
	offset := int64(0)
	for {
		available, done, err := view.Wait(ctx, offset)
		if err != nil {
			return 0, err
		}
		if done || view.Size() >= 0 && available >= view.Size() {
			return available, nil
		}
		offset = available
	}
}
