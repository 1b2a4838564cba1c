package edge

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tandem/edge/fetch"
	"tandem/edge/interim"
	"tandem/edge/member"
	"tandem/edge/rules"
	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/wire"
	"tandem/segstore"
)

// request is one request for an object.
type request struct {
	fetch.Request
	slot      int    // the session's slot in the pair's table, -1: none
	inherited bool   // it was taken over, and its first requests are looked at
	begun     bool   // it has asked for a manifest, here or elsewhere
	target    string // what is asked for, with all of its query
	client    string // the viewer's address; "": nobody's
	prefix    string // "/s/<token>": what URIs are led with where no way up leads (Entry.Prefix)
	host      string // by which it came
	started   time.Time
}

// serve answers one request for an object. It does not know who parsed the
// request.
func (e *Edge) serve(w http.ResponseWriter, r *http.Request, x request) {
	ask := x.asksForEntry(r.Header)
	x.Whole = x.Whole || ask != ""
	if refuseMiss(e, w, r, &x) {
		return
	}
	found, err := e.fetch.Look(unconditional(r, ask != ""), &x.Request, interim.About(w, x.Node, e.fetch.Deadly.Object(rules.TargetOf(x.Key))))
	if chargeMiss(e, r, &x, &found); err == nil && !begins(e, w, r, &x, &found) {
		return
	}
	if err == nil && ask != "" && e.tellEntry(w, r, x.Key, ask, found) {
		closeFound(found)
		return
	}
	switch {
	case found.Passed != nil:
		e.handOver(w, r, x, found.How, found.Passed)
		return
	case err != nil:
		e.fail(w, r, x, found.How, err)
		return
	case found.Slices != nil:
		e.serveSlices(w, r, x, found)
		return
	case found.Head != nil:
		y := rules.PlanFor(r.Header, found.Head)
		e.head(rules.HeaderWriter{Header: w.Header()}, found.Head, &x, found.How, y)
		e.locate(&x, w.Header(), y.Status)
		w.WriteHeader(y.Status)
		return
	}
	view, how := found.View, found.How
	defer view.Close()
	if found.Part || found.Cut != nil {
		servePart(e, w, r, x, found)
		return
	}
	meta := view.Meta()
	switch entry, err := e.manifestOf(r.Context(), &x, view, &meta); {
	case err != nil:
		e.fail(w, r, x, how, err)
		return
	case entry != nil:
		e.serveManifest(w, r, &x, how, e.formOf(&x, r.Header, &meta, entry, true))
		return
	}
	y := rules.PlanFor(r.Header, &meta)
	e.head(rules.HeaderWriter{Header: w.Header()}, &meta, &x, how, y)
	if x.Peer && view.Transient() {
		w.Header().Set(wire.HeaderTransient, "1")
	}
	e.locate(&x, w.Header(), y.Status)
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

// locate keeps a session's viewer in it where a redirect leads to the origin: by
// upstreams' own names that is a path already.
func (e *Edge) locate(x *request, h http.Header, status int) {
	to := h.Get("Location")
	if to == "" || x.Peer || !rules.Redirects(status) {
		return
	}
	led, ok := x.prefix+to, strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//")
	if !ok {
		led, ok = e.ours.lead(rules.TargetOf(x.Key), to, x.prefix)
	}
	if !ok {
		return
	}
	h.Set("Location", led)
	noteRedirect(e, x, strings.TrimPrefix(led, x.prefix))
}

// noteRedirect has what the viewer gets next pass for what it asked for.
func noteRedirect(e *Edge, x *request, to string) {
	to, _, _ = strings.Cut(to, "#")
	if key, ok := cachekey.Of(to); ok {
		e.manifests.Redirects.Note(x.target, key)
	}
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

// servePart answers with the part of an object that was asked for.
func servePart(e *Edge, w http.ResponseWriter, r *http.Request, x request, found fetch.Found) {
	if found.Cut != nil {
		serveCut(e, w, r, x, found)
		return
	}
	view := found.View
	n := view.Meta().Size
	meta, first, _ := rules.Whole(view.Meta())
	y := rules.PartPlan(first, n)
	e.head(rules.HeaderWriter{Header: w.Header()}, &meta, &x, found.How, y)
	if !view.Complete() && x.Node {
		var end func()
		w, end = e.board.Grows(w, e.fetch.Deadly.Broken(rules.TargetOf(x.Key))) // silence may be the origin's
		defer end()
	}
	w.WriteHeader(y.Status)
	sent, err := send(r.Context(), w, r, view, 0, n-1)
	e.counts.sentBytes.Add(sent)
	if err != nil {
		broke(e, x.Key, first+sent, err)
		panic(http.ErrAbortHandler) // visibly broken, never silently short
	}
	if x.slot >= 0 {
		e.member.Delivered(x.Pair, x.slot, member.Delivery{Target: x.target, First: first, Last: first + n - 1, Size: meta.Size, Inherited: x.inherited})
	}
}

// serveCut gives a neighbour a slice out of the whole, as if it were here by itself.
func serveCut(e *Edge, w http.ResponseWriter, r *http.Request, x request, found fetch.Found) {
	c := found.Cut
	e.head(rules.HeaderWriter{Header: w.Header()}, &c.Meta, &x, found.How, rules.PlanFor(http.Header{}, &c.Meta))
	e.serveBody(w, r, found.View, x, http.StatusOK, c.Begin, c.Begin+c.Meta.Size-1)
}

// broke counts and tells a body that broke off by no fault of the viewer's.
func broke(e *Edge, key string, offset int64, err error) {
	if errors.Is(err, segstore.ErrBroken) || errors.Is(err, fetch.ErrShort) {
		e.counts.broken.Add(1)
		e.log.Warn().Err(err).Str("key", key).Int64("offset", offset).Msg("body broke off")
	}
}

// begins waits for a body's first byte, and tells whether there is one to give. A node is
// told meanwhile that the origin is waited for, or a balancer would take an edge whose
// origin says its head at once and its body later for one that hangs, and ask another.
// One that broke off before is no broken answer: nothing has been said yet. A balancer is
// told no reason, and asks another edge, whose own fill may end well; a connection that is
// reset would be this edge's death.
func begins(e *Edge, w http.ResponseWriter, r *http.Request, x *request, found *fetch.Found) bool {
	if found.View == nil || found.View.Complete() || r.Method == http.MethodHead {
		return true
	}
	meta, first := found.View.Meta(), int64(0)
	switch y := rules.PlanFor(r.Header, &meta); {
	case found.Cut != nil:
		first = found.Cut.Begin
	case found.Part, x.Whole:
	case !y.Bodied():
		return true
	case !y.Open:
		first = y.Part.First
	}
	waiting := interim.About(w, x.Node, e.fetch.Deadly.Object(rules.TargetOf(x.Key)))
	waiting.Start()
	_, _, err := found.View.Wait(r.Context(), first)
	waiting.Stop()
	if !errors.Is(err, segstore.ErrBroken) {
		return true
	}
	broke(e, x.Key, first, err)
	found.View.Close()
	const text = "the origin's answer broke off before its first byte; see --origin"
	if x.Node {
		call.RefuseNode(w, http.StatusBadGateway, reasonOrigin, text)
	} else {
		call.Refuse(w, http.StatusBadGateway, reasonOrigin, text)
	}
	return false
}

// serveBody writes the status and the body, whose last byte may be openEnd.
func (e *Edge) serveBody(w http.ResponseWriter, r *http.Request, view *segstore.View, x request, status int, first, last int64) {
	if !view.Complete() && x.Node {
		var end func()
		w, end = e.board.Grows(w, e.fetch.Deadly.Broken(rules.TargetOf(x.Key))) // silence may be the origin's
		defer end()
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead || last+1 == first {
		return
	}
	n, err := send(r.Context(), w, r, view, first, last)
	e.counts.sentBytes.Add(n)
	if err != nil {
		broke(e, x.Key, first+n, err)
		panic(http.ErrAbortHandler) // visibly broken, never silently short
	}
	if x.slot >= 0 && (status == http.StatusOK || status == http.StatusPartialContent) {
		e.member.Delivered(x.Pair, x.slot, member.Delivery{Target: x.target, First: first, Last: first + n - 1, Size: view.Size(), Inherited: x.inherited})
	}
}

// wholeBody waits for the last byte.
func wholeBody(ctx context.Context, view *segstore.View) error {
	for offset := int64(0); ; {
		available, done, err := view.Wait(ctx, offset)
		if err != nil || done {
			return err
		}
		offset = available
	}
}
