package member

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"tandem/edge/fetch"
	"tandem/edge/prefetch"
	"tandem/internal/cachekey"
	"tandem/internal/media"
	"tandem/internal/wire"
	"tandem/segstore"
)

// segments are those behind the positions of sessions.
type segments struct {
	*Positions
	log   zerolog.Logger
	store *segstore.Store
	fetch *fetch.Fetcher
	query cachekey.Query
	limit time.Duration // of getting one
}

// ahead are the objects behind a position; more: its manifest may list more later.
func (s *segments) ahead(t *wire.Track, n int) (objects []media.Object, more bool) {
	for _, o := range s.manifests.Behind(t, n) {
		if key, ok := cachekey.Of(o.Target); ok {
			o.Target = s.query.Apply(key)
			objects = append(objects, o)
		}
	}
	list := s.manifests.Get(t.Manifest)
	return objects, list == nil || list.Live()
}

// renew gets a manifest that is not here, or not fresh; anyhow: fresh or not.
func (s *segments) renew(ctx context.Context, manifest string, pair wire.PairID, anyhow bool) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	if err := fetch.Renew(ctx, s.fetch, manifest, pair, anyhow); err != nil && ctx.Err() == nil {
		s.log.Debug().Err(err).Str("key", manifest).Msg("the manifest of a session can't be got")
	}
}

// load makes an object, or a part of one, ready in memory: it reads the copy that is
// here ahead, and gets what is not here. The viewer asks for it anyway, so the origin
// is not asked more. Of a file that is not here no part is got: it might be a film.
func (s *segments) load(ctx context.Context, what prefetch.Wanted, pair wire.PairID) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	if what.Part.Whole() {
		at, err := s.fetch.Fill(ctx, what.Target, pair, s.query)
		if err != nil {
			return err
		}
		what.Target = at
	} else if !s.store.Has(what.Target) {
		return errors.New("the file is not stored")
	}
	view, ok := s.store.Peek(what.Target)
	if !ok {
		return errors.New("it was not kept")
	}
	defer view.Close()
	return prefetch.IntoMemory(view, what.Part)
}
