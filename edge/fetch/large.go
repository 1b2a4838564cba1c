package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"tandem/edge/manifest"
	"tandem/internal/media"
)

// readLarge reads the rest of a body that needs room, of which begun is here.
func readLarge(ctx context.Context, f *Fetcher, a *answer, begun []byte) ([]byte, error) {
	s := manifest.NewSpool(f.cfg.Spool, f.cfg.ManifestLimit, f.manifests.NewShare())
	a.used = true
	_, err := s.Write(begun)
	if err == nil {
		_, err = f.drainInto(ctx, s, a)
	}
	if errors.Is(err, media.ErrTooLarge) {
		a.used = false
		a.resp.Body = s.Before(a.resp.Body)
		return nil, err
	}
	defer s.Close()
	switch {
	case err != nil:
		return nil, err
	case a.meta.Size >= 0 && s.Size() != a.meta.Size:
		return nil, fmt.Errorf("%w: %d of %d bytes", ErrShort, s.Size(), a.meta.Size)
	}
	if a.leave, err = f.manifests.Enter(ctx, a.meta.Encoding, s.Size()); err != nil {
		return nil, err
	}
	body := bytes.NewBuffer(make([]byte, 0, s.Size()+bytes.MinRead))
	if _, err := body.ReadFrom(s.Reader()); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}
