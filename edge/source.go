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

// source makes the Source of an object. fromPeer: a neighbour asks, so only the
// origin is asked in turn.
func (e *Edge) source(key string, pair wire.PairID, fromPeer bool) segstore.Source {
	return func(ctx context.Context, sink *segstore.Sink) error {
		var have *segstore.Meta
		if meta, ok := sink.Stale(); ok {
			have = &meta
		}
		a, err := e.ask(ctx, key, pair, fromPeer, have)
		if err != nil {
			return err
		}
		defer a.close()
		if a.resp.StatusCode == http.StatusNotModified && have != nil {
			if err := sink.Keep(segstore.Meta{Fresh: freshUntil(a, have, e.now())}); !errors.Is(err, segstore.ErrAbsent) {
				return err
			}
			return errPass
		}
		if a.resp.StatusCode >= 500 {
			return fmt.Errorf("%w: %s from %s", errOrigin, a.resp.Status, a.from)
		}
		if !a.rules.store {
			return errPass
		}
		if media.IsPlaylist(media.KindOf(pathOf(key), a.meta.ContentType)) && a.meta.Status == http.StatusOK {
			return e.fillPlaylist(ctx, sink, key, pair, fromPeer, a)
		}
		if err := sink.Begin(a.meta); err != nil {
			return err
		}
		if a.from == "origin" && !fromPeer && !a.duplicated {
			e.hint(key, pair)
		}
		if a.byGroup {
			sink.Detach() // it comes whether somebody reads it or not
			if err := e.gather(ctx, sink, key, pair, a.parts); err != nil {
				return err
			}
			e.hint(key, pair) // the other one may have lost every part of it
			return nil
		}
		return e.pour(ctx, sink, key, a)
	}
}

// freshUntil is the new life of a copy that the origin calls unchanged.
func freshUntil(a *answer, have *segstore.Meta, now time.Time) time.Time {
	h := a.resp.Header
	if h.Get("Cache-Control") == "" && h.Get("Expires") == "" {
		h.Set("Cache-Control", have.CacheControl)
		h.Set("Expires", have.Expires)
	}
	kind := media.KindOf("", have.ContentType)
	return now.Add(rulesOf(http.StatusOK, h, kind, now).fresh)
}

// ask finds whom to ask: the origin, or the other member of the pair.
func (e *Edge) ask(ctx context.Context, key string, pair wire.PairID, fromPeer bool, have *segstore.Meta) (*answer, error) {
	p := e.placement()
	q, ok := p.Pair(pair)
	if fromPeer || !ok {
		return e.askOrigin(ctx, key, have, 0, "")
	}
	if q.Low != e.cfg.Name && q.High != e.cfg.Name {
		for _, member := range []string{q.Low, q.High} { // standing in for a pair that is not ours
			if edge, ok := p.Edge(member); ok && ring.HasCopy(edge.State) && have == nil {
				if a, err := e.askPeerSoon(ctx, member, key, pair, true); err == nil {
					return a, nil
				}
			}
		}
		return e.askOrigin(ctx, key, have, 0, "")
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
func (e *Edge) pour(ctx context.Context, sink *segstore.Sink, key string, a *answer) error {
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
		rest, restErr := e.askRest(ctx, key, a.meta, written, sum)
		if restErr != nil {
			return fmt.Errorf("%w; then %w", err, restErr)
		}
		meta := a.meta
		a.close()
		*a = *rest
		a.meta = meta
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
func (e *Edge) askRest(ctx context.Context, key string, meta segstore.Meta, written int64, sum hash.Hash) (*answer, error) {
	first := written
	if ownTag(meta.ETag) {
		first = 0
	}
	a, err := e.askOrigin(ctx, key, nil, first, meta.ETag)
	if err != nil {
		return nil, err
	}
	fits := ownTag(meta.ETag) || a.meta.ETag == meta.ETag
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
