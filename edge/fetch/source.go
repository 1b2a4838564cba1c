package fetch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"tandem/edge/manifest"
	"tandem/edge/rules"
	"tandem/edge/steady"
	"tandem/internal/media"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Limits of a fill from a neighbour. It says at every waitingEvery that it waits
// for the origin; a neighbour that says nothing hangs, and the origin is asked.
const (
	WaitingEvery = 150 * time.Millisecond
	peerStall    = 2 * time.Second
	fillTries    = 3
	cutOffFor    = 50 * time.Millisecond // whoever takes the request over asks nobody again for what breaks off; a viewer who tries again does
)

// source makes the Source of an object.
func (f *Fetcher) source(o fetchRequest) segstore.Source {
	return func(ctx context.Context, sink *segstore.Sink) error {
		defer f.Deadly.Begin(rules.TargetOf(o.key))()
		if o.asker == nil && f.Deadly.Beside(rules.TargetOf(o.key), f.now()) {
			return ErrDeadly // nobody waits for it, and it lies beside what edges died of
		}
		if f.cutOff.Has(rules.TargetOf(o.key), f.now()) {
			return fmt.Errorf("%w: it broke off a moment ago, and where it went on again", ErrOrigin)
		}
		var have *segstore.Meta
		if meta, ok := sink.Stale(); ok && rules.Selects(meta.Vary, o.asker) {
			have = &meta
		}
		a, err := f.ask(ctx, o, have)
		if err != nil {
			return err
		}
		a.meta.Pairs, a.meta.Stream = segstore.Pair(uint32(o.pair)), cmp.Or(o.stream, a.meta.Stream)
		o.hand.note(a.resp.StatusCode)
		err = f.receive(ctx, sink, o, a, have)
		if !errors.Is(err, ErrPass) || !rules.Plain(o.asker, rules.VaryOf(a.resp.Header)) || !o.hand.offer(a) {
			a.close()
		}
		return err
	}
}

// receive stores an answer. errPass: it is not for the store.
func (f *Fetcher) receive(ctx context.Context, sink *segstore.Sink, o fetchRequest, a *answer, have *segstore.Meta) error {
	if a.rules.Store && a.resp.StatusCode != http.StatusNotModified && !rules.Selects(a.meta.Vary, o.asker) {
		f.varied.Note(o.key, a.resp.StatusCode, rules.Names(a.meta.Vary), f.now())
		return ErrPass // what it says is not said to this viewer
	}
	a.findEmpty(f.cfg.OriginTimeout, f.now)
	a.findPage(f.cfg.OriginTimeout, f.now)
	if rules.IsHead(o.key) && a.rules.Store && a.resp.StatusCode != http.StatusNotModified {
		a.transient = a.transient || rules.Fails(a.meta.Status) && !a.meta.Fresh.After(f.now())
		return begin(sink, a)
	}
	switch {
	case a.resp.StatusCode == http.StatusNotModified && have != nil:
		now := validated(a, have, o, f.now())
		now.Fresh = f.lives.soon(o.key, have, now.Fresh)
		if err := sink.Keep(now); !errors.Is(err, segstore.ErrAbsent) {
			return err
		}
		return ErrPass
	case rules.Fails(a.meta.Status) && have != nil && rules.MayServeStale(have, rules.PathOf(o.key), f.now()):
		return fmt.Errorf("%w: %s from %s", ErrOrigin, a.resp.Status, a.from)
	case a.head.Empty && a.meta.Status == http.StatusOK && a.head.Kind != media.Other && have != nil && have.Size > 0 && rules.MayServeStale(have, rules.PathOf(o.key), f.now()):
		return fmt.Errorf("%w: an empty object, or a page, from %s", ErrOrigin, a.from)
	case !a.rules.Store, f.oversize.Has(o.key, f.now()):
		f.varied.Note(o.key, a.resp.StatusCode, rules.VaryOf(a.resp.Header), f.now())
		return ErrPass
	case a.isManifest(o.key, f.cfg.OriginTimeout, f.now):
		if rules.IsPart(o.key) {
			return ErrWhole
		}
		return f.fillManifest(ctx, sink, o, a, have)
	case displaces(f, o.key, a, have):
		return fmt.Errorf("%w: %s in the place of a live manifest from %s", ErrOrigin, a.meta.ContentType, a.from)
	}
	return f.fillObject(ctx, sink, o, a)
}

// displaces tells whether an answer that is no manifest stands for a live one whose
// copy may still be given: some origins say with 200 that they have failed.
func displaces(f *Fetcher, key string, a *answer, have *segstore.Meta) bool {
	if have == nil || !manifest.Readable(a.meta.Status) || !rules.MayServeStale(have, rules.PathOf(key), f.now()) {
		return false
	}
	m := f.manifests.Kept(key)
	return m != nil && m.Live()
}

// fillObject stores what comes as it comes.
func (f *Fetcher) fillObject(ctx context.Context, sink *segstore.Sink, o fetchRequest, a *answer) error {
	passing := a.transient || rules.Fails(a.meta.Status) && !a.meta.Fresh.After(f.now())
	a.transient = passing // all who wait get it; a copy that is there stays
	if err := begin(sink, a); err != nil {
		return err
	}
	if a.from == "origin" && !o.fromPeer && !passing && !a.duplicated && rules.Common(a.meta.Vary) && worthCopying(a, o.key) {
		f.Hints.Add(o.key, o.pair)
	}
	if _, part := rules.SliceOf(o.key); part {
		sink.Detach() // it is small, and whoever wanted a byte of it wants more soon
	}
	if a.byGroup {
		sink.Detach() // it comes whether somebody reads it or not
		if err := a.parts.Gather(ctx, sink, o.pair); err != nil {
			return err
		}
		f.Hints.Add(o.key, o.pair) // the other one may have lost every part of it
		return nil
	}
	return f.pour(ctx, sink, o, a)
}

// findEmpty waits for the first byte of a media object whose length is not known: one
// without any is no object.
func (a *answer) findEmpty(limit time.Duration, now func() time.Time) {
	if a.head.Kind != media.Segment && a.head.Kind != media.Init || a.meta.Size >= 0 || a.meta.Status != http.StatusOK || !a.rules.Store {
		return
	}
	body, first := a.resp.Body, make([]byte, 1)
	watch := time.AfterFunc(limit, func() { _ = body.Close() })
	n, err := body.Read(first)
	watch.Stop()
	if n == 0 && errors.Is(err, io.EOF) {
		a.head.Empty, a.meta.Size = true, 0
		a.classify(now())
		return
	}
	a.resp.Body = steady.Begun(first[:n], err, body)
}

// findPage looks at the beginning of a media object that is typed as a page: what some servers
// say with 200 of anything that they do not have is no object either.
func (a *answer) findPage(limit time.Duration, now func() time.Time) {
	kind, _, _ := strings.Cut(a.resp.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "text/html") || a.from != "origin" || a.head.Kind != media.Segment && a.head.Kind != media.Init || a.meta.Status != http.StatusOK || a.meta.Size == 0 || !a.rules.Store {
		return
	}
	body, first := a.resp.Body, make([]byte, 64)
	watch := time.AfterFunc(limit, func() { _ = body.Close() })
	n, err := io.ReadAtLeast(body, first, 1)
	watch.Stop()
	if bytes.HasPrefix(bytes.TrimLeft(first[:n], " \t\r\n\ufeff"), []byte("<")) {
		a.head.Empty = true
		a.classify(now())
	}
	a.resp.Body = steady.Begun(first[:n], err, body)
}

// worthCopying tells whether the other member is to have an object, too: not what
// is never fresh, which it would ask for anew all the same.
func worthCopying(a *answer, key string) bool {
	return !a.head.Empty && (a.rules.Fresh > 0 || a.meta.Status == http.StatusOK && media.KindOf(rules.PathOf(key), a.meta.ContentType) != media.Other)
}

// begin announces the object. One that the store does not take is passed.
func begin(sink *segstore.Sink, a *answer) error {
	if a.transient {
		sink.Transient()
	}
	err := sink.Begin(a.meta)
	if errors.Is(err, segstore.ErrTooLarge) || errors.Is(err, segstore.ErrMeta) {
		return fmt.Errorf("%w: %w", ErrPass, err)
	}
	a.used = true
	return err
}

// validated is what a copy says after the origin has called it unchanged: the
// answer's fields take the place of the stored ones (RFC 9111 section 3.2), but
// for those of the body as it is stored.
func validated(a *answer, have *segstore.Meta, o fetchRequest, now time.Time) segstore.Meta {
	h := rules.HeaderOf(have)
	rules.Carry(h, a.resp.Header, func(name string) bool {
		return name != "Content-Encoding" && name != "Content-Length" && name != "Etag" && name != "Set-Cookie" && !rules.Wholly(name)
	})
	r := rules.Of(rules.Head{
		Status: have.Status, Header: h, Kind: cmp.Or(media.KindOf(rules.PathOf(o.key), h.Get("Content-Type")), a.head.Kind),
		Authorised: o.asker["Authorization"] != nil,
	}, now)
	fields := rules.SameExtent(have.Fields, rules.LinesOf(h, now))
	tags, few := rules.TagsOf(a.resp.Header) // "": those that it has
	if !r.Store || !few || len(fields) > rules.MaxFields {
		return segstore.Meta{Fresh: now} // nothing of this answer is kept
	}
	age := rules.AgeOf(h)
	return segstore.Meta{
		ContentType: manifest.TypeOf(have.ContentType, h.Get("Content-Type")), LastModified: h.Get("Last-Modified"), CacheControl: joined(h, "Cache-Control"), Expires: h.Get("Expires"),
		Vary: rules.SelectionOf(have.Status, h, o.asker, rules.ForAll(http.Header{}, o.asker, o.plainly), rules.HasCredentials(o.asker)), Fields: fields, Tags: tags, Stored: now.Add(-age), Fresh: now.Add(r.Fresh),
	}
}

// ask finds whom to ask: the origin, or the other member of the pair.
func (f *Fetcher) ask(ctx context.Context, o fetchRequest, have *segstore.Meta) (*answer, error) {
	p, key, pair := f.view.Placement(), o.key, o.pair
	q, ok := p.Pair(pair)
	if o.fromPeer || !ok || rules.IsHead(key) {
		return f.askOrigin(ctx, o, have, rest{})
	}
	if q.Low != f.cfg.Name && q.High != f.cfg.Name {
		for _, member := range []string{q.Low, q.High} { // standing in for a pair that is not ours
			if edge, ok := p.Edge(member); ok && ring.HasCopy(edge.State) && have == nil {
				if a, err := f.askPeerSoon(ctx, member, o, true); err == nil {
					return a, nil
				}
			}
		}
		return f.askOrigin(ctx, o, have, rest{})
	}
	filler, other := ring.Filler(p, q, key)
	switch {
	case filler != f.cfg.Name && filler != "":
		if a, err := askFiller(ctx, f, filler, o); err == nil || errors.Is(err, ErrWhole) || errors.Is(err, ErrPass) {
			return a, err
		}
	case have == nil && other != "":
		if a, err := f.askPeerSoon(ctx, other, o, true); err == nil || errors.Is(err, ErrWhole) {
			return a, err
		}
	}
	return f.askForPair(ctx, o, q, have)
}

// askFiller asks the other member of a pair, unless a neighbour waits here for the same.
func askFiller(ctx context.Context, f *Fetcher, filler string, o fetchRequest) (*answer, error) {
	done, ok := f.waits.Ask(waitedFor(o.key))
	defer done()
	if !ok {
		return nil, fmt.Errorf("%w: a neighbour waits for it", ErrNotHere)
	}
	return f.askPeerSoon(ctx, filler, o, false)
}

// waitedFor names what edges wait for: an object, or a part of one, whichever variant of it.
func waitedFor(key string) string { return rules.TargetOf(key) + " " + rules.PartSaid(key) }

// pour writes the body into the store. When it breaks off, the rest is asked of
// the origin, and where it stands still beside it: the readers of this fill see nothing
// of it.
func (f *Fetcher) pour(ctx context.Context, sink *segstore.Sink, o fetchRequest, a *answer) error {
	body, before, again := steadied(ctx, f, o, a), int64(0), false
	for try := 1; ; try++ {
		a.resp.Body = body
		_, err := f.drainInto(ctx, sink, a)
		written, sum := body.SoFar()
		if err == nil && (a.meta.Size < 0 || written == a.meta.Size) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%w: %d of %d bytes from %s", ErrShort, written, a.meta.Size, a.from)
		}
		if errors.Is(err, segstore.ErrTooLarge) { // found out under way: the next ones get it past the store
			f.oversize.Add(o.key, f.now())
			return err
		}
		if ctx.Err() != nil || errors.Is(err, segstore.ErrSize) {
			return err
		}
		if try == fillTries || again && written == before { // who breaks off at the same byte again has no more of it
			f.cutOff.AddUntil(rules.TargetOf(o.key), f.now().Add(cutOffFor))
			return err
		}
		rest, restErr := f.askRest(ctx, o, a, written, sum)
		if restErr != nil {
			return fmt.Errorf("%w; then %w", err, restErr)
		}
		meta := a.meta
		before, again = written, rest.by == a.by
		a.close()
		*a = *rest
		a.meta, a.used = meta, true
		body.Continue(a.resp.Body)
	}
}

// steadied is the body of an answer. The origin's is not waited for where it stands still:
// another one of its servers is asked for the rest, or the same one by another connection
// where a range is enough.
func steadied(ctx context.Context, f *Fetcher, o fetchRequest, a *answer) *steady.Body {
	target := rules.TargetOf(o.key)
	several, ranges := f.origins.Several(target), !rules.OwnTag(a.meta.ETag) && a.meta.Size >= 0
	if a.from != "origin" || !several && !ranges {
		return steady.New(a.resp.Body, f.cfg.OriginTimeout, nil)
	}
	was := *a
	return steady.New(a.resp.Body, f.cfg.StallAfter, func(read int64, sum []byte) io.ReadCloser {
		if !f.origins.Again(target) {
			return nil
		}
		got, err := f.askRest(ctx, o, &was, read, sum)
		if err != nil {
			return nil
		}
		if got.by != was.by {
			f.origins.Hung(target, was.by)
		}
		return steady.Ending(got.resp.Body, got.close)
	})
}

// askRest asks the origin for what is missing behind the first written bytes of an
// answer, whose hash is sum: whoever broke off last of all, but first where nobody else
// has the same.
func (f *Fetcher) askRest(ctx context.Context, o fetchRequest, a *answer, written int64, sum []byte) (*answer, error) {
	more := rest{at: written, tag: a.meta.ETag, last: a.by}
	if rules.OwnTag(a.meta.ETag) {
		more.at = 0
	}
	got, err := f.askOrigin(ctx, o, nil, more)
	if err == nil && !continues(got, o, a, written, sum) {
		got.close()
		if got.by == a.by || a.by == "" {
			return nil, ErrChanged
		}
		more.first, more.last = a.by, ""
		if got, err = f.askOrigin(ctx, o, nil, more); err == nil && !continues(got, o, a, written, sum) {
			got.close()
			return nil, ErrChanged
		}
	}
	return got, err
}

// continues tells whether an answer goes on behind the first written bytes of another
// one, whose hash is sum. By the same strong validator a range is enough; without one
// all of it has come, and its beginning has to be the same bytes, so has its length where
// two servers of an origin have validators of their own.
func continues(got *answer, o fetchRequest, a *answer, written int64, sum []byte) bool {
	from, _, _ := spanOf(o.key, written)
	fits, own := rules.OwnTag(a.meta.ETag) || got.meta.ETag == a.meta.ETag, a.by != "" && got.by != a.by && a.meta.Size >= 0
	switch {
	case fits && got.resp.StatusCode == http.StatusPartialContent:
		return strings.HasPrefix(got.resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", from))
	case (fits || own) && got.resp.StatusCode == http.StatusOK && (a.meta.Size < 0 || got.meta.Size == a.meta.Size):
		again := sha256.New()
		_, err := io.CopyN(again, got.resp.Body, written)
		return err == nil && bytes.Equal(again.Sum(nil), sum)
	}
	return false
}

// partnerOf is the other member of a pair while it holds a copy, "" otherwise.
func PartnerOf(p *wire.Placement, q *wire.Pair, me string) string {
	other := q.Low
	if other == me {
		other = q.High
	}
	if edge, ok := p.Edge(other); ok && ring.HasCopy(edge.State) {
		return other
	}
	return ""
}
