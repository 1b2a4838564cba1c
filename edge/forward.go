package edge

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"tandem/edge/fetch"
	"tandem/edge/interim"
	"tandem/edge/manifest"
	"tandem/edge/member"

	"tandem/edge/rules"
	"tandem/edge/stepback"

	"tandem/internal/cachekey"
	"tandem/internal/call"
	"tandem/internal/h1"
	"tandem/internal/media"
	"tandem/internal/wire"
)

// pass asks the origin for one viewer alone: for what may not be stored and was
// not handed over, and what the store does not take. A balancer that asks hears of
// an entry here as well.
func (e *Edge) pass(w http.ResponseWriter, r *http.Request, x request, how rules.CacheStatus) {
	ask := x.asksForEntry(r.Header)
	a, err := e.ranged.Pass(unconditional(r, ask != ""), x.Key, interim.About(w, x.Node, e.fetch.Deadly.Object(rules.TargetOf(x.Key))))
	if err != nil {
		e.fail(w, r, x, how, err)
		return
	}
	how.Status = a.Head().StatusCode
	if found := (fetch.Found{Passed: a}); ask != "" && e.tellEntry(w, r, x.Key, ask, found) {
		closeFound(found)
		return
	}
	e.handOver(w, r, x, how, a)
}

// handOver gives the origin's answer to a viewer as it is, the URIs of a manifest
// aside, which are led as those of a stored one are.
func (e *Edge) handOver(w http.ResponseWriter, r *http.Request, x request, how rules.CacheStatus, a *fetch.Answer) {
	defer func() { a.Close() }()
	defer context.AfterFunc(r.Context(), a.Cancel)()
	head := a.Head()
	late := interim.About(w, x.Node, e.fetch.Deadly.Object(rules.TargetOf(x.Key))).Late(&e.board)
	defer late.Stop()
	fail := func(err error) {
		late.Stop()
		e.fail(w, r, x, how, err)
	}
	if err := checkPart(r, head); err != nil {
		fail(err)
		return
	}
	var entry *manifest.Entry
	if r.Method == http.MethodGet && manifest.Readable(head.StatusCode) && !x.Peer && how.Why != rules.ForwardMethod {
		var err error
		if entry, err = a.Manifest(r.Context(), x.Key); err != nil {
			fail(err)
			return
		}
		a, entry = notBack(e, r, &x, a, entry)
		head = a.Head()
	}
	h := e.passedHead(&x, how, head, late.Header)
	if late.Status = head.StatusCode; entry != nil {
		e.handManifest(w, r, late, &x, a, entry)
		return
	}
	if r.Method == http.MethodHead {
		if !x.Peer && media.IsPlaylist(media.KindOf(x.Path, h.Get("Content-Type"))) {
			h.Del("Content-Length") // its URIs may take a prefix
			h.Del("ETag")
		}
		late.Begin()
		a.Cancel() // a body that a fill asked for is not waited for
		return
	}
	n, err := a.Drain(r.Context(), late)
	e.counts.sentBytes.Add(n)
	switch {
	case err != nil && !late.Begun() && how.Why != rules.ForwardMethod:
		fail(err)
		return
	case err != nil:
		panic(http.ErrAbortHandler) // visibly broken
	}
	late.Begin()
	if x.slot >= 0 && (head.StatusCode == http.StatusOK || head.StatusCode == http.StatusPartialContent) {
		e.member.Played(x.Pair, x.slot)
		e.member.Delivered(x.Pair, x.slot, passedOn(&x, head, n))
	}
}

// notBack asks the origin again for a live manifest that must not be kept, where the session
// had a newer one.
func notBack(e *Edge, r *http.Request, x *request, a *fetch.Answer, entry *manifest.Entry) (*fetch.Answer, *manifest.Entry) {
	session := stepback.Session{Pair: x.Pair, Slot: x.slot}
	if !e.clustered() {
		session = stepback.Alone(r.RemoteAddr, r.Header)
	}
	if entry == nil || session.Slot < 0 {
		return a, entry
	}
	news := e.given.Follow(r.Context(), session, x.begun, x.Key, entry.Manifest, func() *media.Manifest {
		e.fetch.Counts.SteppedBack.Add(1)
		b, err := e.ranged.Pass(r, x.Key, interim.Unheard{})
		if err != nil {
			return nil
		}
		var later *manifest.Entry
		if manifest.Readable(b.Head().StatusCode) {
			later, err = b.Manifest(r.Context(), x.Key)
		}
		switch {
		case b.Head().StatusCode == http.StatusNotModified: // the viewer has the newer one
		case err != nil || later == nil:
			b.Cancel()
			b.Close()
			return nil
		}
		a.Close()
		if a, entry = b, later; later == nil {
			return nil
		}
		return later.Manifest
	})
	if news != "" && e.clustered() {
		e.fetch.Hints.Given(news, x.Pair)
	}
	return a, entry
}

// passedHead are the fields of an answer that is passed on.
func (e *Edge) passedHead(x *request, how rules.CacheStatus, head *http.Response, into http.Header) rules.HeaderWriter {
	h := rules.HeaderWriter{Header: into}
	rules.Carry(h.Header, head.Header, func(string) bool { return true })
	switch {
	case x.Peer:
		h.Set(wire.HeaderPassed, "1")
	case how.Why != rules.ForwardMethod:
		cors(h, rules.Credentialed(h.Header))
	}
	if x.Node && head.StatusCode >= http.StatusInternalServerError {
		h.Set(wire.HeaderReason, reasonPassed)
	}
	if h.Get("Content-Type") == "" && head.ContentLength != 0 {
		h.Set("Content-Type", media.ContentType(x.Path))
	}
	e.locate(x, h.Header, head.StatusCode)
	if !x.Peer && x.prefix != "" {
		rules.KeepCookies(h.Header, x.prefix)
	}
	if !x.Peer {
		h.Add("Cache-Status", e.cfg.Name+how.Forwarded())
	}
	return h
}

// passedOn is what a session got of an answer that is not kept: of so many bytes.
func passedOn(x *request, head *http.Response, n int64) member.Delivery {
	d := member.Delivery{Target: x.target, Last: n - 1, Size: n, Inherited: x.inherited}
	if part, ok := h1.ParseContentRange(head.Header.Get("Content-Range")); ok && part.First >= 0 {
		d.First, d.Last, d.Size = part.First, part.First+n-1, part.Total
	}
	return d
}

// checkPart refuses a part that is not as long as it says (RFC 9110 section
// 14.4): whoever puts parts together would get other bytes.
func checkPart(r *http.Request, head *http.Response) error {
	if head.StatusCode != http.StatusPartialContent || head.ContentLength < 0 || r.Method == http.MethodHead {
		return nil
	}
	part, ok := h1.ParseContentRange(head.Header.Get("Content-Range"))
	if n := part.Length(); ok && n >= 0 && n != head.ContentLength {
		return fmt.Errorf("%w as it should: %d bytes, with Content-Range %q", fetch.ErrOrigin, head.ContentLength, head.Header.Get("Content-Range"))
	}
	return nil
}

// handManifest gives a manifest that is one viewer's own, or the part of it, as it goes
// out, that was asked for.
func (e *Edge) handManifest(w http.ResponseWriter, r *http.Request, late *interim.Late, x *request, a *fetch.Answer, entry *manifest.Entry) {
	h := late.Header
	noteAsked(e, x, entry)
	f := form{entry: entry, prefix: prefixOf(e, x, r.Header, entry), body: entry.Led()}
	if cc := h.Get("Cache-Control"); entry.Abroad() && !strings.Contains(cc, "no-store") {
		h.Set("Cache-Control", "private, "+rules.ShortLife(cc))
	}
	f.meta.Size = entry.Edits().Size(f.prefix)
	if entry.Edits().Count() > 0 {
		for _, name := range []string{"ETag", "Last-Modified", "Accept-Ranges", "Content-Encoding", "Content-Md5", "Content-Digest", "Repr-Digest", "Digest"} {
			h.Del(name) // they are of the body as it was
		}
		if entry.Recoded() {
			h.Set("Content-Type", media.TypeOfUTF8(h.Get("Content-Type")))
		}
	} else {
		f.body = a.Read()
		f.meta.Size = int64(len(f.body))
	}
	f.meta.Status, f.meta.ETag, f.meta.LastModified = late.Status, h.Get("ETag"), h.Get("Last-Modified")
	y := rules.PlanFor(http.Header{"Range": r.Header["Range"], "If-Range": r.Header["If-Range"]}, &f.meta)
	if late.Status = y.Status; y.Status != f.meta.Status {
		h.Del("Content-Md5") // they are of all of it
		h.Del("Content-Digest")
	}
	y.Extent(rules.HeaderWriter{Header: h}, &f.meta)
	late.Begin()
	if !y.Bodied() || y.Length() == 0 {
		return
	}
	e.manifests.Hold(entry)
	n, err := f.send(w, y.Part.First, y.Part.Last)
	e.manifests.Release(entry)
	e.counts.sentBytes.Add(n)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// through carries any other method to the origin, and lets go of what its success
// makes wrong (RFC 9111 section 4.4).
func (e *Edge) through(w http.ResponseWriter, r *http.Request) {
	x := request{}
	key, ok := cachekey.Of(h1.Target(r))
	if !ok {
		call.Refuse(w, http.StatusBadRequest, "bad_path", "the path is too long or malformed")
		return
	}
	if refuseMethod(e, w, r) {
		return
	}
	x.Key, x.Path = e.cfg.query.Apply(key), cachekey.Path(key)
	var body io.Reader
	if r.Body != nil && r.ContentLength != 0 {
		body = r.Body
	}
	a, err := e.fetch.Pass(r, key, body, interim.To(w, false))
	how := rules.CacheStatus{Why: rules.ForwardMethod}
	if err != nil {
		e.fail(w, r, x, how, err)
		return
	}
	if how.Status = a.Head().StatusCode; how.Status < 400 && !rules.Safe(r.Method) {
		e.invalidate(r, x.Key, a.Head().Header)
	}
	e.handOver(w, r, x, how, a)
}

// invalidate forgets the key, and what Location and Content-Location name of the
// same origin.
func (e *Edge) invalidate(r *http.Request, key string, h http.Header) {
	e.fetch.Forget(key)
	for _, name := range []string{"Location", "Content-Location"} {
		u, err := r.URL.Parse(h.Get(name))
		if err != nil || h.Get(name) == "" {
			continue
		}
		if u.Host != "" && u.Host != r.Host {
			target, own := e.origins.Target(u)
			if !own {
				continue
			}
			if u, err = url.Parse(target); err != nil {
				continue
			}
		}
		if other, ok := cachekey.Of(u.RequestURI()); ok {
			e.fetch.Forget(e.cfg.query.Apply(other))
		}
	}
}
