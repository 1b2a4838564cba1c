package fetch

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"tandem/edge/manifest"
	"tandem/edge/rules"
	"tandem/edge/steady"

	"tandem/internal/media"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/segstore"
)

// publishLimit is the longest wait for the partner to hold a live manifest.
const publishLimit = 100 * time.Millisecond

// isManifest tells whether an answer is a manifest: by its name and type, or by
// how its body begins, which is waited for then.
func (a *answer) isManifest(key string, limit time.Duration, now func() time.Time) bool {
	if !manifest.Readable(a.meta.Status) || a.byGroup {
		return false
	}
	kind := media.KindOf(rules.PathOf(key), a.meta.ContentType)
	if media.IsPlaylist(kind) || a.meta.Size == 0 || !manifest.Doubtful(key, &a.meta) {
		return media.IsPlaylist(kind)
	}
	body := a.resp.Body
	watch := time.AfterFunc(a.stall(limit), func() { _ = body.Close() }) // one without progress is broken off
	defer watch.Stop()
	head := make([]byte, 0, manifest.Sniffed)
	for manifest.Wants(a.meta.Encoding, head) {
		if len(head) == cap(head) {
			head = slices.Grow(head, media.Prologue-len(head))
		}
		n, err := a.resp.Body.Read(head[len(head):cap(head)])
		if head = head[:len(head)+n]; err != nil {
			break // whoever reads on is told the same
		}
	}
	a.resp.Body = steady.Begun(head, nil, a.resp.Body)
	if kind = media.Sniff(manifest.Beginning(a.meta.Encoding, head)); kind == media.Other {
		return false
	}
	a.meta.ContentType = manifest.Typed(key, &a.meta, kind)
	a.resp.Header.Set("Content-Type", a.meta.ContentType)
	if kind == media.Companion {
		return true // it lives as long as any other JSON
	}
	if a.head.Kind = kind; a.from == "origin" { // a neighbour has said how long it lives
		a.classify(now())
	}
	return true
}

// fillManifest reads a manifest whole, sees to it that a live one never goes back
// (truth 5), and that the partner holds it before anybody is given it. One that is
// too large to be read is an object like any other.
func (f *Fetcher) fillManifest(ctx context.Context, sink *segstore.Sink, o fetchRequest, a *answer, have *segstore.Meta) error {
	body, err := f.readManifest(ctx, a)
	switch {
	case errors.Is(err, media.ErrTooLarge):
		return f.fillObject(ctx, sink, o, a)
	case err != nil:
		return err
	case len(body) == 0: // as while somebody writes it anew
		return fmt.Errorf("%w: an empty %s from %s", ErrOrigin, a.meta.ContentType, a.from)
	}
	defer f.Deadly.Reads(rules.TargetOf(o.key))()
	now := f.now()
	a.meta.Size = int64(len(body))
	e := f.manifests.Parse(o.key, &a.meta, body)
	if e.Manifest == nil && displaces(f, o.key, a, have) {
		return fmt.Errorf("%w: no manifest at the place of a live one from %s", ErrOrigin, a.from)
	}
	live, interval := liveness(e)
	give := f.lives.given
	a.meta.Volatile = live || a.meta.Volatile
	if live {
		a.meta.Fresh = soonest(a.meta.Fresh, now.Add(interval)) // whatever the origin says: players wait for the next segment
		if given := f.lives.keptBack(o.key, e, a.from != "origin"); given != nil {
			if err := sink.Keep(segstore.Meta{Fresh: now.Add(min(interval/2, time.Second))}); err == nil {
				return nil
			}
			a.meta.ETag, a.meta.Fields, a.meta.Encoding = rules.MadeTag(""), rules.PartFields(a.meta.Fields), ""
			body, a.meta.ContentType = given.Body(), media.TypeOfUTF8(a.meta.ContentType)
			a.meta.Size, a.meta.Digest = int64(len(body)), "" // a neighbour's is of what it gave
			e = f.manifests.Parse(o.key, &a.meta, body)
			give = func(_ string, e *manifest.Entry) { f.manifests.Keep(e) } // what viewers have may be newer
		}
		if a.from == "origin" {
			f.publish(ctx, o.key, o.pair, a.meta, body)
		}
	} else if a.from == "origin" && !o.fromPeer {
		f.Hints.Add(o.key, o.pair)
	}
	if err := begin(sink, a); err != nil {
		return err
	}
	give(o.key, e)
	_, err = sink.Write(body)
	return err
}

// readManifest reads a body up to the limit of a manifest; ErrTooLarge, and the body is
// as it was. The room that a large one takes is given back with the answer.
func (f *Fetcher) readManifest(ctx context.Context, a *answer) ([]byte, error) {
	limit := f.cfg.ManifestLimit
	if a.meta.Size > limit {
		return nil, media.ErrTooLarge
	}
	var body bytes.Buffer
	if a.meta.Size > manifest.Small {
		return readLarge(ctx, f, a, nil)
	}
	body.Grow(int(max(a.meta.Size, 0)) + bytes.MinRead)
	a.used = true
	_, err := f.drainInto(ctx, &limited{&body, min(manifest.Small, limit)}, a)
	switch {
	case errors.Is(err, media.ErrTooLarge): // one that is small asks for no room, whatever it does not say
		return readLarge(ctx, f, a, body.Bytes())
	case err != nil:
		return nil, err
	case a.meta.Size >= 0 && int64(body.Len()) != a.meta.Size:
		return nil, fmt.Errorf("%w: %d of %d bytes", ErrShort, body.Len(), a.meta.Size)
	}
	return body.Bytes(), nil
}

// limited takes what comes, and says when it is too much.
type limited struct {
	to    *bytes.Buffer
	limit int64
}

func (l *limited) Write(p []byte) (int, error) {
	l.to.Write(p)
	if int64(l.to.Len()) > l.limit {
		return len(p), media.ErrTooLarge
	}
	return len(p), nil
}

// publish puts a live playlist into the stores of all others that hold the pair's content
// or are being given it, and waits for that as long as a viewer can wait: so that no viewer
// sees it go back when this edge dies, or hands over to one that returns or joins.
func (f *Fetcher) publish(ctx context.Context, key string, pair wire.PairID, meta segstore.Meta, body []byte) {
	p := f.view.Placement()
	q, ok := p.Pair(pair)
	if !ok || key != rules.TargetOf(key) {
		return // of a variant: the partner's place of that name is the first one's
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(f.cfg.ToPublish, publishLimit))
	defer cancel()
	var under sync.WaitGroup
	for _, name := range ring.Holders(p, q) {
		if edge, ok := p.Edge(name); ok && name != f.cfg.Name && !f.view.BacksOff(name) {
			under.Go(func() { publishTo(ctx, f, edge, key, pair, meta, body) })
		}
	}
	under.Wait()
}

func publishTo(ctx context.Context, f *Fetcher, edge wire.Edge, key string, pair wire.PairID, meta segstore.Meta, body []byte) {
	req, err := objectRequest(ctx, http.MethodPut, edge, key, bytes.NewReader(body))
	if err != nil {
		return
	}
	f.call.Sign(req)
	req.Header.Set(wire.HeaderPair, strconv.Itoa(int(pair)))
	rules.Describe(rules.HeaderWriter{Header: req.Header}, &meta, f.clock.Ahead())
	f.Pushed.Tell(req.Header, key)
	led(f, req.Header, key)
	resp, err := f.peers.Do(req)
	if err != nil {
		f.Counts.Unpublished.Add(1)
		f.view.BackOff(edge.Name)
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096))
	_ = resp.Body.Close()
}
