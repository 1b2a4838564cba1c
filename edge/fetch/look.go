package fetch

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tandem/edge/manifest"
	"tandem/edge/rules"
	"tandem/internal/media"
	"tandem/segstore"
)

// Found is what a request gets: a copy, which the caller closes, or an answer
// that is this request's alone.
type Found struct {
	View   *segstore.View
	How    rules.CacheStatus
	Passed *Answer
	Slices *Slices        // in place of a view: parts of it; the caller closes them
	Part   bool           // the view is of the part that was asked for, and no more
	Head   *segstore.Meta // in place of a view: what HEAD is answered with
	Cut    *Cut           // the view is of the whole, of which a neighbour gets this slice
}

// Waiting hears that a request waits for somebody, from Start to Stop, and what the origin says
// meanwhile. Another goroutine may call Interim.
type Waiting interface {
	Start()
	Interim(status int, h http.Header)
	Stop()
}

// Look finds or fills the object.
func (f *Fetcher) Look(r *http.Request, x *Request, waiting Waiting) (Found, error) {
	if grown(f, r, x) {
		return lookGrown(f, r, x, waiting)
	}
	if found, ok, err := lookParts(f, r, x, waiting); ok {
		return found, err
	}
	if found, ok, err := lookCut(f, r, x); ok {
		return found, err
	}
	hand := &passThrough{closed: x.Peer && !x.Pass || !rules.Plain(r.Header, nil), interim: waiting.Interim}
	name := rules.UnfitFor(r, x.Key)
	view, how, err := f.look(r, x, hand, waiting)
	status, a := hand.take()
	how.Status = status
	if a != nil {
		return Found{How: how, Passed: &Answer{answer: a, f: f}}, nil
	}
	if errors.Is(err, ErrPass) && !x.Peer && how.Outcome != segstore.Joined && status == http.StatusOK {
		f.unfit.Add(name, f.now())
	}
	if err == nil && how.Outcome == segstore.Hit {
		meta := view.Meta()
		f.Wanted(x, &meta)
	}
	return Found{View: view, How: how}, err
}

// look finds or fills the object.
func (f *Fetcher) look(r *http.Request, x *Request, hand *passThrough, waiting Waiting) (*segstore.View, rules.CacheStatus, error) {
	now := f.now()
	if x.Peer {
		x.asks.Peer(r.Header)
	}
	view, why := f.find(r, x)
	switch {
	case view != nil && view.Fresh(now) && why == rules.ForwardStale:
		f.Counts.Hits.Add(1)
		return view, rules.CacheStatus{Outcome: segstore.Hit}, nil
	case view != nil && x.Cached && x.Stale && view.Complete():
		return view, rules.CacheStatus{Outcome: segstore.Hit}, nil
	case x.Cached, rules.OnlyIfCached(r.Header) && !x.Peer:
		if view, ok := coming(f, r, x); ok && view != nil {
			return view, rules.CacheStatus{Outcome: segstore.Joined}, nil
		}
		closeView(view)
		if x.Cached {
			return nil, rules.CacheStatus{}, ErrNotHere
		}
		return nil, rules.CacheStatus{}, ErrOnlyCached
	case why != rules.ForwardStale && !x.Peer && (f.varied.Alone(x.Key, r.Header, &x.asks, now) || view == nil && (f.unfit.Has(x.Key, now) || f.unfit.Has(rules.UnfitFor(r, x.Key), now))):
		closeView(view)
		return nil, rules.CacheStatus{Why: why}, ErrPass
	case why == rules.ForwardStale && r.Header.Get("Range") != "" && useless(f.manifests, view, x):
		view.Close()
		return nil, rules.CacheStatus{Why: rules.ForwardStale}, ErrPass
	case why == rules.ForwardStale && !x.Peer && renewable(view, x.Path, now):
		f.Counts.Hits.Add(1)
		f.store.Renew(x.Key, f.source(f.fetchRequest(r, x, nil)))
		return view, rules.CacheStatus{Outcome: segstore.Hit}, nil
	}
	if x.Peer {
		done, ok := f.waits.Wait(waitedFor(x.Key))
		defer done()
		if !ok {
			closeView(view)
			return nil, rules.CacheStatus{}, ErrNotHere
		}
	}
	f.Counts.Misses.Add(1)
	f.Counts.Waiting.Add(1)
	defer f.Counts.Waiting.Add(-1)
	waiting.Start()
	want := wanted(view, why)
	if want == freshCopy && !x.Peer && staleServes(view, x.Path, now) {
		want = soonCopy
	}
	fresh, outcome, err := f.fillFor(r, x, hand, want, now)
	waiting.Stop()
	how := rules.CacheStatus{Outcome: outcome, Why: why}
	if err != nil && !errors.Is(err, ErrPass) && why == rules.ForwardStale && r.Context().Err() == nil && staleServes(view, x.Path, now) {
		f.Counts.Stale.Add(1)
		how.Stale = true
		return view, how, nil
	}
	closeView(view)
	how.Unkept = err == nil && fresh.Transient()
	return fresh, how, err
}

// want is what will do in place of a fill.
type want int

const (
	anyCopy   want = iota // one that is complete by now
	freshCopy             // one that is fresh by now: the one that was found is not
	soonCopy              // likewise, and the one that was found where that takes long
	newCopy               // none
)

func wanted(found *segstore.View, why string) want {
	switch {
	case found == nil:
		return anyCopy
	case why == rules.ForwardStale:
		return freshCopy
	default:
		return newCopy
	}
}

// fillFor fills, or joins a fill whose answer is one to this request as well. A
// variant that somebody else's request got is none: this request's own is filled
// beside it, for all who want that one.
func (f *Fetcher) fillFor(r *http.Request, x *Request, hand *passThrough, want want, now time.Time) (*segstore.View, segstore.Outcome, error) {
	for own := false; ; own = true {
		fresh, outcome, err := f.fill(r, x, hand, want)
		if err != nil || outcome == segstore.Filled && x.asks.Chose(fresh.Meta(), r.Header, x.Path) || outcome != segstore.Filled && joinable(f.manifests, fresh, r, x, now) {
			return fresh, outcome, err
		}
		selection := fresh.Meta().Vary
		f.varied.Note(x.Key, fresh.Meta().Status, rules.Names(selection), f.now())
		if outcome == segstore.Filled {
			f.store.Detach(x.Key) // lest it is begun, and left, for each who comes
		}
		fresh.Close()
		if own || rules.Selects(selection, r.Header) {
			return nil, outcome, ErrPass
		}
		x.asks.Plainly = false
		x.asks.Note(selection, r.Header)
		if f.varied.Alone(x.Key, r.Header, &x.asks, now) {
			return nil, outcome, ErrPass
		}
		x.Key = rules.VariantKey(x.Key, selection, r.Header)
		if want = anyCopy; f.store.Has(x.Key) {
			view, why := f.find(r, x)
			want = wanted(view, why)
			if view != nil && view.Fresh(now) && rules.Selects(view.Meta().Vary, r.Header) {
				return view, segstore.Hit, nil
			}
			closeView(view)
		}
	}
}

// findSteps is how many places are looked at for a variant: the key's own, the one
// by what that copy was selected by, the one by what the copy there was.
const findSteps = 3

// find looks for the copy that fits the request, fresh or not: the key's own or a
// variant of it, whose key the request then has. Why says what it will go forward
// for: stale when the copy fits, else there is none, or one in its place.
func (f *Fetcher) find(r *http.Request, x *Request) (view *segstore.View, why string) {
	why = rules.ForwardMiss
	for step := 1; ; step++ {
		view, ok := f.store.Peek(x.Key)
		if !ok {
			return nil, why
		}
		selection := view.Meta().Vary
		if rules.Selects(selection, r.Header) {
			return view, rules.ForwardStale
		}
		why = rules.ForwardVary
		x.asks.Note(selection, r.Header)
		key := rules.VariantKey(x.Key, selection, r.Header)
		if step == findSteps || key == x.Key {
			return view, why
		}
		view.Close()
		x.Key = key
	}
}

func closeView(view *segstore.View) {
	if view != nil {
		view.Close()
	}
}

// useless tells whether a copy serves nobody but those who waited for it: it was
// never fresh and can't be compared. A part of such an object is asked for as a
// part, or each would cost the origin the whole.
func useless(c *manifest.Cache, view *segstore.View, x *Request) bool {
	m := view.Meta()
	return !played(c, x, &m) && !m.Fresh.After(m.Stored) && m.LastModified == "" && rules.OriginTag(m.ETag) == ""
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
func joinable(c *manifest.Cache, view *segstore.View, r *http.Request, x *Request, now time.Time) bool {
	m := view.Meta()
	return rules.Selects(m.Vary, r.Header) && (m.Fresh.IsZero() || !m.Fresh.Before(now) || played(c, x, &m))
}

// played tells whether an object is one that players ask for: by its name and type,
// or because it is known to be a manifest.
func played(c *manifest.Cache, x *Request, m *segstore.Meta) bool {
	if media.KindOf(x.Path, m.ContentType) != media.Other {
		return true
	}
	e, ok := c.Known(x.Key, m)
	return ok && e.Manifest != nil
}

// fetchRequest is what a fill for this request gets.
func (f *Fetcher) fetchRequest(r *http.Request, x *Request, hand *passThrough) fetchRequest {
	return fetchRequest{key: x.Key, pair: x.Pair, stream: x.Stream, fromPeer: x.Peer, hand: hand, loop: r.Header["Cdn-Loop"], asker: x.asks.Of(r.Header, x.Path), plainly: x.asks.Plainly}
}

// fill joins or starts the fill of an object. Somebody else's fill that failed,
// a copy from a neighbour that has just died, say, is no answer: then this
// request fills for itself. An answer that is not for the store is not waited for
// again, an origin that gives none once more: it may have failed the other one long
// before this request came.
func (f *Fetcher) fill(r *http.Request, x *Request, hand *passThrough, want want) (view *segstore.View, how segstore.Outcome, err error) {
	ctx, key, source := r.Context(), x.Key, f.source(f.fetchRequest(r, x, hand))
	if want == soonCopy {
		slow, give := context.WithCancelCause(ctx)
		ctx, want = slow, freshCopy
		defer time.AfterFunc(f.cfg.StallAfter, func() {
			f.store.Detach(key) // the next ones get what comes of it
			give(errSlow)
		}).Stop()
		defer give(nil)
	}
	for try := range joinTries {
		switch want {
		case freshCopy:
			view, how, err = f.store.Freshen(ctx, key, source)
		case newCopy:
			view, how, err = f.store.Refresh(ctx, key, source)
		default:
			view, how, err = f.store.Get(ctx, key, source)
		}
		if err == nil || how != segstore.Joined || ctx.Err() != nil || errors.Is(err, ErrPass) || try > 0 && errors.Is(err, ErrOrigin) {
			break
		}
	}
	return view, how, err
}

const joinTries = 4

// errSlow is why a viewer is given a copy that is no longer fresh but may be given where the
// origin fails (RFC 9111 section 4.2.4, RFC 5861 section 4).
var errSlow = errors.New("the origin takes its time")
