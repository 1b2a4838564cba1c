package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"tandem/edge/manifest"
	"tandem/internal/media"
)

// A large manifest takes room in memory only when all of it is here: while it comes it
// lies in a file without a name. So an origin that dribbles some keeps no other one
// waiting, and what is not here takes nothing.

// spool is such a file.
type spool struct {
	file   *os.File     // nil: the disk takes none
	filed  int64        // bytes in it
	rest   bytes.Buffer // what it does not take
	limit  int64
	share  *manifest.Share
	closed sync.Once
}

// newSpool makes an empty one, in a directory.
func newSpool(dir string, limit int64, share *manifest.Share) *spool {
	s := &spool{limit: limit, share: share}
	if file, err := os.CreateTemp(dir, "manifest-"); err == nil {
		s.file = file
		_ = os.Remove(file.Name())
	}
	return s
}

func (s *spool) size() int64 { return s.filed + int64(s.rest.Len()) }

// reader reads it from its beginning.
func (s *spool) reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.rest.Bytes())
	}
	return io.MultiReader(io.NewSectionReader(s.file, 0, s.filed), bytes.NewReader(s.rest.Bytes()))
}

// Write takes what comes; ErrTooLarge behind it when that is too much, manifest.ErrBusy
// when all that lie so are.
func (s *spool) Write(p []byte) (int, error) {
	if !s.share.Take(int64(len(p))) {
		return 0, manifest.ErrBusy
	}
	n := 0
	if s.file != nil && s.rest.Len() == 0 {
		n, _ = s.file.Write(p)
		s.filed += int64(n)
	}
	s.rest.Write(p[n:])
	if s.size() > s.limit {
		return len(p), media.ErrTooLarge
	}
	return len(p), nil
}

// close ends it, and may be called again.
func (s *spool) close() {
	s.closed.Do(func() {
		s.share.Leave()
		if s.file != nil {
			_ = s.file.Close()
		}
	})
}

// readLarge reads the rest of a body that needs room, of which begun is here.
func readLarge(ctx context.Context, f *Fetcher, a *answer, begun []byte) ([]byte, error) {
	s := newSpool(f.cfg.Spool, f.cfg.ManifestLimit, f.manifests.NewShare())
	a.used = true
	_, err := s.Write(begun)
	if err == nil {
		_, err = f.drainInto(ctx, s, a)
	}
	if errors.Is(err, media.ErrTooLarge) {
		a.used = false
		a.resp.Body = &tail{io.MultiReader(s.reader(), a.resp.Body), a.resp.Body, s}
		return nil, err
	}
	defer s.close()
	switch {
	case err != nil:
		return nil, err
	case a.meta.Size >= 0 && s.size() != a.meta.Size:
		return nil, fmt.Errorf("%w: %d of %d bytes", ErrShort, s.size(), a.meta.Size)
	}
	if a.leave, err = f.manifests.Enter(ctx, a.meta.Encoding, s.size()); err != nil {
		return nil, err
	}
	body := bytes.NewBuffer(make([]byte, 0, s.size()+bytes.MinRead))
	if _, err := body.ReadFrom(s.reader()); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

// tail is a body whose beginning lies in a spool.
type tail struct {
	io.Reader
	body  io.Closer
	spool *spool
}

// Close is an io.Closer's.
func (t *tail) Close() error {
	t.spool.close()
	return t.body.Close()
}
