package manifest

import (
	"bytes"
	"io"
	"os"
	"sync"

	"tandem/internal/media"
)

// A large manifest takes room in memory only when all of it is here: while it comes it
// lies in a file without a name. So an origin that dribbles some keeps no other one
// waiting, and what is not here takes nothing.

// Spool is such a file.
type Spool struct {
	file   *os.File     // nil: the disk takes none
	filed  int64        // bytes in it
	rest   bytes.Buffer // what it does not take
	limit  int64
	share  *Share
	closed sync.Once
}

// NewSpool makes an empty one, in a directory.
func NewSpool(dir string, limit int64, share *Share) *Spool {
	s := &Spool{limit: limit, share: share}
	if file, err := os.CreateTemp(dir, "manifest-"); err == nil {
		s.file = file
		_ = os.Remove(file.Name())
	}
	return s
}

// Size is in bytes.
func (s *Spool) Size() int64 { return s.filed + int64(s.rest.Len()) }

// Reader reads it from its beginning.
func (s *Spool) Reader() io.Reader {
	if s.file == nil {
		return bytes.NewReader(s.rest.Bytes())
	}
	return io.MultiReader(io.NewSectionReader(s.file, 0, s.filed), bytes.NewReader(s.rest.Bytes()))
}

// Write takes what comes; ErrTooLarge behind it when that is too much, ErrBusy
// when all that lie so are.
func (s *Spool) Write(p []byte) (int, error) {
	if !s.share.Take(int64(len(p))) {
		return 0, ErrBusy
	}
	n := 0
	if s.file != nil && s.rest.Len() == 0 {
		n, _ = s.file.Write(p)
		s.filed += int64(n)
	}
	s.rest.Write(p[n:])
	if s.Size() > s.limit {
		return len(p), media.ErrTooLarge
	}
	return len(p), nil
}

// Close ends it, and may be called again.
func (s *Spool) Close() {
	s.closed.Do(func() {
		s.share.Leave()
		if s.file != nil {
			_ = s.file.Close()
		}
	})
}

// Before is a body, of which the beginning lies here. Who closes it closes this too.
func (s *Spool) Before(body io.ReadCloser) io.ReadCloser {
	return &tail{io.MultiReader(s.Reader(), body), body, s}
}

// tail is a body whose beginning lies in a spool.
type tail struct {
	io.Reader
	body  io.Closer
	spool *Spool
}

// Close is an io.Closer's.
func (t *tail) Close() error {
	t.spool.Close()
	return t.body.Close()
}
