package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"tandem/edge/manifest"
	"tandem/edge/rules"
	"tandem/internal/cachekey"
	"tandem/internal/h1"
	"tandem/internal/media"
	"tandem/internal/wire"
	"tandem/segstore"
)

// HandlePut stores what a neighbour or the origin sends: a live playlist before
// it is given out, or the second copy of a segment (claim 7).
func (f *Fetcher) HandlePut(w http.ResponseWriter, r *http.Request) {
	key, ok := cachekey.Of(strings.TrimPrefix(h1.Target(r), wire.PathObject))
	if !ok || r.ContentLength < 0 {
		http.Error(w, "want a path and a Content-Length", http.StatusBadRequest)
		return
	}
	if f.Pushed.Old(r.Header, key) {
		http.Error(w, "it was pushed over since", http.StatusConflict)
		return
	}
	m := segstore.Meta{
		Status: http.StatusOK, ContentType: r.Header.Get("Content-Type"), ETag: r.Header.Get("ETag"), LastModified: r.Header.Get("Last-Modified"),
		CacheControl: r.Header.Get("Cache-Control"), Encoding: r.Header.Get("Content-Encoding"), Expires: r.Header.Get("Expires"),
		Size: r.ContentLength, Digest: r.Header.Get(wire.HeaderDigest), Stored: told(f, r.Header.Get(wire.HeaderStored)),
		Fields: fieldsSent(r.Header), Vary: r.Header.Get(wire.HeaderSelection), Tags: tagsSent(r.Header), Volatile: r.Header.Get(wire.HeaderVolatile) == "1", Stream: StreamOf(f.view.Placement(), rules.PathOf(key)),
		Pairs: segstore.Pair(uint32(PairSaid(r.Header))),
	}
	settleFresh(f, &m, r.Header, key)
	if from := r.Header.Get(wire.HeaderLed); from != "" {
		f.manifests.Redirects.Note(from, key)
	}
	if err := f.putObject(r.Context(), key, m, r.Body); err != nil {
		status := http.StatusUnprocessableEntity
		switch {
		case errors.Is(err, segstore.ErrTooLarge):
			status = http.StatusRequestEntityTooLarge
		case errors.Is(err, manifest.ErrBusy):
			status = http.StatusServiceUnavailable
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// settleFresh is the life of what was sent: as the neighbour says, else as the
// origin's own rules say.
func settleFresh(f *Fetcher, m *segstore.Meta, h http.Header, key string) {
	now := f.now()
	if m.Stored.IsZero() {
		m.Stored = now
	}
	if fresh := h.Get(wire.HeaderFresh); fresh != "" {
		m.Fresh = told(f, fresh)
		m.Rebase(now)
		return
	}
	m.Fresh = now.Add(rules.Of(rules.Head{Status: http.StatusOK, Header: h, Kind: media.KindOf(rules.PathOf(key), m.ContentType)}, now).Fresh)
}

// putObject stores an object that was sent. A live playlist is looked at like
// one that was fetched: it must not go back.
func (f *Fetcher) putObject(ctx context.Context, key string, m segstore.Meta, body io.Reader) error {
	if m.Volatile && m.Size <= f.cfg.ManifestLimit && manifest.Candidate(key, &m) {
		leave, err := f.manifests.Enter(ctx, m.Encoding, m.Size)
		if err != nil {
			return err
		}
		defer leave()
		text, err := io.ReadAll(io.LimitReader(body, m.Size+1))
		if err != nil {
			return err
		}
		e := f.manifests.Parse(key, &m, text)
		if live, _ := liveness(e); live && f.lives.keptBack(key, e, true) != nil {
			return nil
		}
		if err := f.store.Put(key, m, bytes.NewReader(text)); err != nil {
			return err
		}
		f.lives.given(key, e)
		return nil
	}
	return f.store.Put(key, m, body)
}
