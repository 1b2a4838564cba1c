package fetch

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"tandem/edge/rules"

	"tandem/internal/media"
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/segstore"
)

// Limits of playlists.
const (
	publishLimit  = 100 * time.Millisecond // longest wait for the partner to hold a live playlist
	stepBackLimit = 15 * time.Second       // an origin that has gone back for so long has started anew
)

// playlists remembers which live playlists went back at the origin, since when.
type playlists struct {
	mu   sync.Mutex
	back map[string]time.Time // guarded by mu
}

// fillPlaylist reads a playlist or MPD whole, sees to it that a live one never
// goes back (truth 5), and that the partner holds it before anybody is given it.
func (f *Fetcher) fillPlaylist(ctx context.Context, sink *segstore.Sink, o fetchRequest, a *answer) error {
	key := o.key
	var body bytes.Buffer
	a.used = true
	n, err := f.drainInto(ctx, &limited{&body, maxPlaylist}, a)
	if errors.Is(err, segstore.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", ErrPass, err)
	}
	if err != nil {
		return err
	}
	if a.meta.Size >= 0 && n != a.meta.Size {
		return fmt.Errorf("%w: %d of %d bytes of %s", ErrShort, n, a.meta.Size, key)
	}
	now := f.now()
	live, target := f.learn(key, body.Bytes(), now)
	a.meta.Size = n
	a.meta.Volatile = live || a.meta.Volatile
	if live {
		if longest := now.Add(max(target, time.Second)); a.meta.Fresh.After(longest) {
			a.meta.Fresh = longest // whatever the origin says: players wait for the next segment
		}
		if old, ok := f.goesBack(key, body.Bytes(), now); ok {
			if err := sink.Keep(segstore.Meta{Fresh: now.Add(min(target/2, time.Second))}); err == nil {
				return nil
			}
			a.meta.ETag, a.meta.Fields, body = rules.MadeTag(""), rules.PartFields(a.meta.Fields), *bytes.NewBuffer(old)
			a.meta.Size = int64(len(old))
		}
		if a.from == "origin" {
			f.publish(ctx, key, o.pair, a.meta, body.Bytes())
		}
	} else if a.from == "origin" && !o.fromPeer {
		f.hint(key, o.pair)
	}
	if err := begin(sink, a); err != nil {
		return err
	}
	_, err = sink.Write(body.Bytes())
	return err
}

// limited refuses what is too long.
type limited struct {
	to   *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, fmt.Errorf("%w: a playlist of more than %d bytes", segstore.ErrTooLarge, maxPlaylist)
	}
	return l.to.Write(p)
}

// learn notes the segments of a playlist. live: it will change; target is how
// long a segment plays. What can't be parsed is served as it is.
func (f *Fetcher) learn(key string, body []byte, now time.Time) (live bool, target time.Duration) {
	path := rules.PathOf(key)
	if tracks, _, err := media.Tracks(path, body, now); err == nil {
		f.learned(path, tracks)
	} else {
		f.log.Warn().Err(err).Str("path", path).Msg("broken playlist; served as it is")
	}
	if media.KindOf(path, "") == media.MPD {
		presentation, err := media.ParseMPD(body, now)
		if err != nil {
			return true, time.Second
		}
		return presentation.Dynamic, max(presentation.MinimumUpdatePeriod, time.Second)
	}
	list, err := media.ParseM3U8(body)
	if err != nil {
		return true, time.Second
	}
	return !list.Multivariant && !list.Ended, list.TargetDuration
}

// goesBack tells whether a live playlist is behind the one that was given out
// (another origin behind the same address, say), and returns that one.
func (f *Fetcher) goesBack(key string, body []byte, now time.Time) ([]byte, bool) {
	view, ok := f.store.Peek(key)
	if !ok {
		return nil, false
	}
	defer view.Close()
	given := view.Bytes()
	old, err := media.ParseM3U8(given)
	if err != nil {
		return nil, false
	}
	next, err := media.ParseM3U8(body)
	if err != nil {
		return nil, false
	}
	f.playlists.mu.Lock()
	defer f.playlists.mu.Unlock()
	if media.NoStepBack(old, next) == nil {
		delete(f.playlists.back, key)
		return nil, false
	}
	since, ok := f.playlists.back[key]
	if !ok {
		if len(f.playlists.back) > 10000 {
			clear(f.playlists.back)
		}
		f.playlists.back[key] = now
		since = now
	}
	f.Counts.SteppedBack.Add(1)
	if now.Sub(since) > stepBackLimit {
		delete(f.playlists.back, key)
		return nil, false
	}
	return given, true
}

// publish puts a live playlist into the partner's store, and waits for that as
// long as a viewer can wait: so that no viewer sees it go back when this edge
// dies.
func (f *Fetcher) publish(ctx context.Context, key string, pair wire.PairID, meta segstore.Meta, body []byte) {
	p := f.view.Placement()
	q, ok := p.Pair(pair)
	if !ok {
		return
	}
	if key != rules.TargetOf(key) {
		return // a variant: the partner's place of that name is the first one's
	}
	partner := q.Low
	if partner == f.cfg.Name {
		partner = q.High
	}
	edge, ok := p.Edge(partner)
	if !ok || !ring.HasCopy(edge.State) || f.view.BacksOff(partner) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(f.cfg.ToPublish, publishLimit))
	defer cancel()
	req, err := objectRequest(ctx, http.MethodPut, edge, key, bytes.NewReader(body))
	if err != nil {
		return
	}
	f.call.Sign(req)
	rules.Describe(rules.HeaderWriter{Header: req.Header}, &meta)
	resp, err := f.peers.Do(req)
	if err != nil {
		f.Counts.Unpublished.Add(1)
		f.view.BackOff(partner)
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096))
	_ = resp.Body.Close()
}
