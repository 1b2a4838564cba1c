package edge

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"time"

	"tandem/edge/rules"

	"tandem/internal/media"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Limits of a fill from a neighbour. It says at every waitingEvery that it waits
// for the origin; a neighbour that says nothing hangs, and the origin is asked.
const (
	waitingEvery = 150 * time.Millisecond
	peerStall    = 2 * time.Second
	fillTries    = 3
)

// order is what is to be filled, and for whom.
type order struct {
	key      string
	pair     wire.PairID
	fromPeer bool        // a neighbour asks, so only the origin is asked in turn
	asker    http.Header // the viewer's fields that go along; nil: none do
	hand     *handover   // where an answer goes that is not for the store; nil: nowhere
}

// source makes the Source of an object.
func (e *Edge) source(o order) segstore.Source {
	return func(ctx context.Context, sink *segstore.Sink) error {
		var have *segstore.Meta
		if meta, ok := sink.Stale(); ok && rules.Selects(meta.Vary, o.asker) {
			have = &meta
		}
		a, err := e.ask(ctx, o, have)
		if err != nil {
			return err
		}
		o.hand.note(a.resp.StatusCode)
		err = e.receive(ctx, sink, o, a, have)
		if !errors.Is(err, errPass) || o.asker == nil && len(rules.VaryOf(a.resp.Header)) > 0 || !o.hand.offer(a) {
			a.close()
		}
		return err
	}
}

// receive stores an answer. errPass: it is not for the store.
func (e *Edge) receive(ctx context.Context, sink *segstore.Sink, o order, a *answer, have *segstore.Meta) error {
	switch {
	case a.resp.StatusCode == http.StatusNotModified && have != nil:
		if err := sink.Keep(validated(a, have, o, e.now())); !errors.Is(err, segstore.ErrAbsent) {
			return err
		}
		return errPass
	case a.meta.Status >= 500 && have != nil && rules.MayServeStale(have, rules.PathOf(o.key), e.now()):
		return fmt.Errorf("%w: %s from %s", errOrigin, a.resp.Status, a.from)
	case !a.rules.Store:
		return errPass
	case media.IsPlaylist(media.KindOf(rules.PathOf(o.key), a.meta.ContentType)) && a.meta.Status == http.StatusOK:
		return e.fillPlaylist(ctx, sink, o, a)
	}
	passing := a.meta.Status >= 500 && !a.meta.Fresh.After(e.now())
	if passing {
		sink.Transient() // all who wait get it; a copy that is there stays
	}
	if err := begin(sink, a); err != nil {
		return err
	}
	if a.from == "origin" && !o.fromPeer && !a.duplicated && worthCopying(a, o.key) {
		e.hint(o.key, o.pair)
	}
	if a.byGroup {
		sink.Detach() // it comes whether somebody reads it or not
		if err := e.gather(ctx, sink, o.key, o.pair, a.parts); err != nil {
			return err
		}
		e.hint(o.key, o.pair) // the other one may have lost every part of it
		return nil
	}
	return e.pour(ctx, sink, o, a)
}

// worthCopying tells whether the other member is to have an object, too: not what
// is never fresh, which it would ask for anew all the same.
func worthCopying(a *answer, key string) bool {
	return a.rules.Fresh > 0 || a.meta.Status == http.StatusOK && media.KindOf(rules.PathOf(key), a.meta.ContentType) != media.Other
}

// begin announces the object. One that the store does not take is passed.
func begin(sink *segstore.Sink, a *answer) error {
	err := sink.Begin(a.meta)
	if errors.Is(err, segstore.ErrTooLarge) || errors.Is(err, segstore.ErrMeta) {
		return fmt.Errorf("%w: %w", errPass, err)
	}
	a.used = true
	return err
}

// validated is what a copy says after the origin has called it unchanged: the
// answer's fields take the place of the stored ones (RFC 9111 section 3.2), but
// for those of the body as it is stored.
func validated(a *answer, have *segstore.Meta, o order, now time.Time) segstore.Meta {
	h := rules.HeaderOf(have)
	rules.Carry(h, a.resp.Header, func(name string) bool {
		return name != "Content-Encoding" && name != "Content-Length" && name != "Etag" && name != "Set-Cookie" && !rules.Wholly(name)
	})
	r := rules.Of(rules.Head{
		Status: have.Status, Header: h, Kind: media.KindOf(rules.PathOf(o.key), h.Get("Content-Type")),
		Authorised: o.asker["Authorization"] != nil, Selective: o.asker != nil,
	}, now)
	fields := rules.LinesOf(h, now)
	if !r.Store || len(fields) > rules.MaxFields {
		return segstore.Meta{Fresh: now} // nothing of this answer is kept
	}
	age, _ := rules.AgeOf(h)
	return segstore.Meta{
		ContentType: h.Get("Content-Type"), LastModified: h.Get("Last-Modified"), CacheControl: joined(h, "Cache-Control"), Expires: h.Get("Expires"),
		Vary: rules.SelectionOf(rules.VaryOf(h), o.asker), Fields: fields, Stored: now.Add(-age), Fresh: now.Add(r.Fresh),
	}
}

// ask finds whom to ask: the origin, or the other member of the pair.
func (e *Edge) ask(ctx context.Context, o order, have *segstore.Meta) (*answer, error) {
	p, key, pair := e.placement(), o.key, o.pair
	q, ok := p.Pair(pair)
	if o.fromPeer || !ok {
		return e.askOrigin(ctx, key, o.asker, have, 0, "")
	}
	if q.Low != e.cfg.Name && q.High != e.cfg.Name {
		for _, member := range []string{q.Low, q.High} { // standing in for a pair that is not ours
			if edge, ok := p.Edge(member); ok && ring.HasCopy(edge.State) && have == nil {
				if a, err := e.askPeerSoon(ctx, member, key, pair, true); err == nil {
					return a, nil
				}
			}
		}
		return e.askOrigin(ctx, key, o.asker, have, 0, "")
	}
	filler, other := ring.Filler(p, q, key)
	switch {
	case filler != e.cfg.Name && filler != "":
		if a, err := e.askPeerSoon(ctx, filler, key, pair, false); err == nil {
			return a, nil
		}
	case have == nil && other != "":
		if a, err := e.askPeerSoon(ctx, other, key, pair, true); err == nil {
			return a, nil
		}
	}
	return e.askForPair(ctx, key, q, have)
}

// askPeerSoon is askPeer with a limit on silence: the neighbour answers, or says
// that it waits, or it is given up.
func (e *Edge) askPeerSoon(ctx context.Context, peer, key string, pair wire.PairID, onlyCached bool) (*answer, error) {
	if e.avoided(peer) {
		return nil, fmt.Errorf("%w: %s was silent a moment ago", errNotHere, peer)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	limit := e.cfg.PeerSilent
	watch := time.AfterFunc(limit, func() { cancel(fmt.Errorf("%s is silent", peer)) })
	trace := &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error {
		watch.Reset(limit)
		return nil
	}}
	a, err := e.askPeer(httptrace.WithClientTrace(ctx, trace), peer, key, pair, onlyCached, 0, "")
	if !watch.Stop() && err == nil {
		a.close()
		err = context.Cause(ctx)
	}
	if err != nil {
		if !errors.Is(err, errNotHere) && ctx.Err() == nil || !errors.Is(context.Cause(ctx), context.Canceled) && ctx.Err() != nil {
			e.avoid(peer)
		}
		cancel(nil)
		return nil, err
	}
	a.resp.Body = &canceling{ReadCloser: a.resp.Body, cancel: func() { cancel(nil) }}
	return a, nil
}

// canceling ends the request's context with its body.
type canceling struct {
	io.ReadCloser
	cancel func()
}

func (c *canceling) Close() error {
	err := c.ReadCloser.Close()
	c.cancel()
	return err
}

// pour writes the body into the store. When it breaks off, the rest is asked of
// the origin: the readers of this fill see nothing of it.
func (e *Edge) pour(ctx context.Context, sink *segstore.Sink, o order, a *answer) error {
	sum := sha256.New()
	written := int64(0)
	for try := 1; ; try++ {
		n, err := e.drainInto(ctx, io.MultiWriter(sum, sink), a)
		written += n
		if err == nil && (a.meta.Size < 0 || written == a.meta.Size) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%w: %d of %d bytes from %s", errShort, written, a.meta.Size, a.from)
		}
		if ctx.Err() != nil || try == fillTries || errors.Is(err, segstore.ErrSize) {
			return err
		}
		rest, restErr := e.askRest(ctx, o, a.meta, written, sum)
		if restErr != nil {
			return fmt.Errorf("%w; then %w", err, restErr)
		}
		meta := a.meta
		a.close()
		*a = *rest
		a.meta, a.used = meta, true
	}
}

// drainInto copies one answer's body; a body without progress is broken off.
func (e *Edge) drainInto(ctx context.Context, to io.Writer, a *answer) (int64, error) {
	limit := peerStall
	if a.from == "origin" {
		limit = e.cfg.OriginTimeout
	}
	var stalled atomic.Bool
	body := a.resp.Body
	watch := time.AfterFunc(limit, func() {
		stalled.Store(true)
		_ = body.Close()
	})
	defer watch.Stop()
	buffer := bodyBuffers.Get().(*[]byte)
	defer bodyBuffers.Put(buffer)
	var written int64
	for {
		n, err := body.Read(*buffer)
		watch.Reset(limit)
		if n > 0 {
			if _, err := to.Write((*buffer)[:n]); err != nil {
				return written, err
			}
			written += int64(n)
		}
		switch {
		case errors.Is(err, io.EOF):
			return written, nil
		case stalled.Load():
			return written, fmt.Errorf("%w: no byte from %s for %s", errShort, a.from, limit)
		case err != nil:
			return written, fmt.Errorf("%w: %w", errShort, err)
		case ctx.Err() != nil:
			return written, context.Cause(ctx)
		}
	}
}

// askRest asks the origin for what is missing behind the first written bytes,
// whose hash is sum. By the same strong validator a range is enough; without
// one the whole is asked, and its beginning has to be the same bytes.
func (e *Edge) askRest(ctx context.Context, o order, meta segstore.Meta, written int64, sum hash.Hash) (*answer, error) {
	first := written
	if rules.OwnTag(meta.ETag) {
		first = 0
	}
	a, err := e.askOrigin(ctx, o.key, o.asker, nil, first, meta.ETag)
	if err != nil {
		return nil, err
	}
	fits := rules.OwnTag(meta.ETag) || a.meta.ETag == meta.ETag
	switch {
	case fits && a.resp.StatusCode == http.StatusPartialContent &&
		strings.HasPrefix(a.resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", written)):
		return a, nil
	case fits && a.resp.StatusCode == http.StatusOK && (meta.Size < 0 || a.meta.Size == meta.Size):
		again := sha256.New()
		if _, err := io.CopyN(again, a.resp.Body, written); err == nil && string(again.Sum(nil)) == string(sum.Sum(nil)) {
			return a, nil
		}
	}
	a.close()
	return nil, errChanged
}
