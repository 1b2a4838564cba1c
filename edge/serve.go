package edge

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"tandem/edge/rules"

	"tandem/internal/media"
	"tandem/internal/wire"
	"tandem/segstore"
)

// errand is one request for an object.
type errand struct {
	key     string
	path    string
	pair    wire.PairID
	slot    int    // the session's slot in the pair's table, -1: none
	prefix  string // "/s/<token>": what root-relative URIs in playlists get
	node    bool   // a node of the cluster asks
	peer    bool   // a neighbour asks, for its own store
	cached  bool   // answer from a complete copy or not at all
	started time.Time

	carried bool      // the viewer's own fields go along when the origin is asked
	hand    *handover // never nil in look
}

// serve answers one request for an object. It does not know who parsed the
// request.
func (e *Edge) serve(w http.ResponseWriter, r *http.Request, x errand) {
	x.carried, x.hand = !e.clustered(), &handover{closed: x.peer || !plain(r.Header, !e.clustered())}
	view, how, err := e.look(w, r, &x)
	status, a := x.hand.take()
	how.Status = status
	if a != nil {
		e.handOver(w, r, x, how, a)
		return
	}
	if err != nil {
		e.fail(w, r, x, how, err)
		return
	}
	defer view.Close()
	meta := view.Meta()
	if e.rewritten(&x, &meta) {
		e.head(rules.HeaderWriter{Header: w.Header()}, &meta, &x, how, rules.Plan{Status: http.StatusOK, Part: rules.Range{Last: rules.OpenEnd}})
		e.servePlaylist(w, r, view, x)
		return
	}
	y := rules.PlanFor(r.Header, &meta)
	e.head(rules.HeaderWriter{Header: w.Header()}, &meta, &x, how, y)
	switch {
	case !y.Bodied():
		w.WriteHeader(y.Status)
	case y.Open:
		e.serveOpen(w, r, view, x, r.Header.Get("Range"))
	default:
		e.serveBody(w, r, view, x, y.Status, y.Part.First, y.Part.Last)
	}
}

// rewritten tells that the body may have to be changed for the session.
func (e *Edge) rewritten(x *errand, m *segstore.Meta) bool {
	return x.prefix != "" && m.Status == http.StatusOK && media.IsPlaylist(media.KindOf(x.path, m.ContentType)) && !e.plain.has(x.key, m)
}

// serveOpen answers a range of a body whose length nobody knows yet. Only the
// rest from a byte on can be given, and only a balancer that finishes a response
// asks for it (with If-Range; a viewer's own range gets the whole):
// Tandem-Offset says where it begins (FIELD.md B10).
func (e *Edge) serveOpen(w http.ResponseWriter, r *http.Request, view *segstore.View, x errand, text string) {
	first, ok := rules.OpenRange(text)
	if !ok || !x.node || r.Header.Get("If-Range") == "" {
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
func (e *Edge) serveBody(w http.ResponseWriter, r *http.Request, view *segstore.View, x errand, status int, first, last int64) {
	h := w.Header()
	if !view.Complete() && x.node {
		h.Set(wire.HeaderWaiting, "1") // the body grows: silence may be the origin's
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead || last+1 == first {
		return
	}
	n, err := send(r.Context(), w, r, view, first, last)
	e.counts.sentBytes.Add(n)
	if err != nil {
		if errors.Is(err, segstore.ErrBroken) || errors.Is(err, errShort) {
			e.counts.broken.Add(1)
			e.log.Warn().Err(err).Str("key", x.key).Int64("offset", first+n).Msg("body broke off")
		}
		panic(http.ErrAbortHandler) // visibly broken, never silently short
	}
	if status == http.StatusOK || status == http.StatusPartialContent && first+n == view.Size() {
		e.noteDelivered(x)
	}
}

// noteDelivered moves the session's position: the object was written in full.
func (e *Edge) noteDelivered(x errand) {
	if x.slot < 0 {
		return
	}
	if n := e.tracks.position(x.path); n >= 0 {
		e.sessions.delivered(x.pair, x.slot, x.path, n, e.now().UnixMilli())
	}
}

// servePlaylist gives a session's playlist: URIs that would leave the session
// are led back into it. Relative ones, the usual case, cost nothing.
func (e *Edge) servePlaylist(w http.ResponseWriter, r *http.Request, view *segstore.View, x errand) {
	size, err := wholeBody(r.Context(), view)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	meta := view.Meta()
	body := make([]byte, size)
	if _, err := view.ReadAt(body, 0); err != nil && size > 0 && int64(len(body)) != size {
		panic(http.ErrAbortHandler)
	}
	out, changed := media.Rewrite(media.KindOf(x.path, meta.ContentType), body, x.prefix, e.ownHosts)
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
		e.plain.put(x.key, &meta)
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

// look finds or fills the object.
func (e *Edge) look(w http.ResponseWriter, r *http.Request, x *errand) (*segstore.View, rules.CacheStatus, error) {
	now := e.now()
	view, why := e.find(r, x)
	switch {
	case view != nil && view.Fresh(now) && why == rules.ForwardStale:
		e.counts.hits.Add(1)
		return view, rules.CacheStatus{Outcome: segstore.Hit}, nil
	case x.cached, rules.OnlyIfCached(r.Header) && !x.peer:
		closeView(view)
		if x.cached {
			return nil, rules.CacheStatus{}, errNotHere
		}
		return nil, rules.CacheStatus{}, errOnlyCached
	case why == rules.ForwardStale && r.Header.Get("Range") != "" && useless(view, x.path):
		view.Close()
		return nil, rules.CacheStatus{Why: rules.ForwardStale}, errPass
	case why == rules.ForwardStale && !x.peer && renewable(view, x.path, now):
		e.counts.hits.Add(1)
		e.store.Renew(x.key, e.source(x.order(r, nil)))
		return view, rules.CacheStatus{Outcome: segstore.Hit}, nil
	}
	e.counts.misses.Add(1)
	e.counts.waiting.Add(1)
	defer e.counts.waiting.Add(-1)
	stop := signalWaiting(w, r, *x)
	fresh, outcome, err := e.fill(r, x, view != nil)
	stop()
	how := rules.CacheStatus{Outcome: outcome, Why: why}
	if err == nil && outcome == segstore.Joined && !joinable(fresh, r, x, now) {
		fresh.Close()
		err = errPass
	}
	if err != nil && !errors.Is(err, errPass) && why == rules.ForwardStale && r.Context().Err() == nil && staleServes(view, x.path, now) {
		e.counts.stale.Add(1)
		how.Stale = true
		return view, how, nil
	}
	closeView(view)
	return fresh, how, err
}

// find looks for the copy that fits the request, fresh or not: the key's own or a
// variant of it, whose key the errand then has. Why says what it will go forward
// for: stale when the copy fits, else there is none, or one in its place.
func (e *Edge) find(r *http.Request, x *errand) (view *segstore.View, why string) {
	view, ok := e.store.Peek(x.key)
	if !ok {
		return nil, rules.ForwardMiss
	}
	selection := view.Meta().Vary
	if rules.Selects(selection, r.Header) {
		return view, rules.ForwardStale
	}
	view.Close()
	x.key = rules.VariantKey(x.key, selection, r.Header)
	if view, ok = e.store.Peek(x.key); !ok {
		return nil, rules.ForwardVary
	}
	if rules.Selects(view.Meta().Vary, r.Header) {
		return view, rules.ForwardStale
	}
	return view, rules.ForwardVary
}

func closeView(view *segstore.View) {
	if view != nil {
		view.Close()
	}
}

// useless tells whether a copy serves nobody but those who waited for it: it was
// never fresh and can't be compared. A part of such an object is asked for as a
// part, or each would cost the origin the whole.
func useless(view *segstore.View, path string) bool {
	m := view.Meta()
	return media.KindOf(path, m.ContentType) == media.Other && !m.Fresh.After(m.Stored) && m.LastModified == "" && rules.OriginTag(m.ETag) == ""
}

func renewable(view *segstore.View, path string, now time.Time) bool {
	m := view.Meta()
	return rules.MayRenew(&m, path, now)
}

func staleServes(view *segstore.View, path string, now time.Time) bool {
	m := view.Meta()
	return rules.MayServeStale(&m, path, now)
}

// joinable tells whether what another request got is an answer to this one, which
// came at now: selected alike, and of a later time unless it is fresh. What
// players ask for is shared in any case, or a live playlist would be asked for as
// often as there are viewers.
func joinable(view *segstore.View, r *http.Request, x *errand, now time.Time) bool {
	m := view.Meta()
	return rules.Selects(m.Vary, r.Header) && (m.Fresh.IsZero() || !m.Fresh.Before(now) || media.KindOf(x.path, m.ContentType) != media.Other)
}

// order is what a fill for this errand gets.
func (x *errand) order(r *http.Request, hand *handover) order {
	o := order{key: x.key, pair: x.pair, fromPeer: x.peer, hand: hand}
	if x.carried {
		o.asker = r.Header
	}
	return o
}

// fill joins or starts the fill of an object. Somebody else's fill that failed,
// a copy from a neighbour that has just died, say, is no answer: then this
// request fills for itself. An answer that is not for the store is not waited for
// again.
func (e *Edge) fill(r *http.Request, x *errand, refresh bool) (view *segstore.View, how segstore.Outcome, err error) {
	ctx, source := r.Context(), e.source(x.order(r, x.hand))
	for range joinTries {
		if refresh {
			view, how, err = e.store.Refresh(ctx, x.key, source)
		} else {
			view, how, err = e.store.Get(ctx, x.key, source)
		}
		if err == nil || how != segstore.Joined || ctx.Err() != nil || errors.Is(err, errPass) {
			break
		}
	}
	return view, how, err
}

const joinTries = 4

// signalWaiting tells a node that this edge is alive and waits for the origin,
// until stop is called (102, RFC 2518).
func signalWaiting(w http.ResponseWriter, r *http.Request, x errand) (stop func()) {
	if !x.node || r.ProtoMajor != 1 || r.ProtoMinor == 0 {
		return func() {}
	}
	var mu sync.Mutex // guards what follows, and the answer until stop returns
	over := false
	var timer *time.Timer
	mu.Lock()
	timer = time.AfterFunc(waitingEvery, func() {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		w.Header().Set(wire.HeaderWaiting, "1")
		w.WriteHeader(http.StatusProcessing)
		w.Header().Del(wire.HeaderWaiting)
		timer.Reset(waitingEvery)
	})
	mu.Unlock()
	return func() {
		mu.Lock()
		over = true
		mu.Unlock()
		timer.Stop()
	}
}
