package manifest

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// ErrBusy is returned when so many large manifests are read at once that this one
// found no room within roomWait, or so much of them lies on the disk.
var ErrBusy = errors.New("too many large manifests are read at once")

// Bounds of room.
const (
	Small     = 256 << 10 // bytes of a body that needs no room
	roomWait  = 10 * time.Second
	mostLying = 16 // of the largest, on the disk
)

// room bounds the bytes of the large manifests that are read at once, or are one
// viewer's own while it is given them: two of the largest, or as many as make these.
// Who finds none waits in turn. It is asked for once a body and for all of it, so that
// nobody who waits holds what another one waits for.
type room struct {
	of    *semaphore.Weighted
	limit int64 // of one manifest
	wait  time.Duration
	lying *semaphore.Weighted // bytes on the disk, of those that come
}

func newRoom(cfg Config) room {
	return room{semaphore.NewWeighted(2 * cfg.Limit), cfg.Limit, cmp.Or(cfg.Wait, roomWait), semaphore.NewWeighted(mostLying * cfg.Limit)}
}

// Enter takes room for a body of so many bytes; what is encoded, or of a length that
// nobody knows (below 0), may become as large as a manifest may be. Leave gives it
// back, and may be called again.
func (c *Cache) Enter(ctx context.Context, encoding string, size int64) (leave func(), err error) {
	if 0 <= size && size <= Small {
		return func() {}, nil
	}
	if size < 0 || encoding != "" || size > c.room.limit {
		size = c.room.limit
	}
	in, end := context.WithTimeoutCause(ctx, c.room.wait, ErrBusy)
	defer end()
	if c.room.of.Acquire(in, size) != nil {
		c.Counts.Busy.Add(1)
		return func() {}, context.Cause(in)
	}
	return sync.OnceFunc(func() { c.room.of.Release(size) }), nil
}

// Share is what one manifest that comes has of the disk, in bytes that are here.
type Share struct {
	cache *Cache
	bytes int64
}

// NewShare is one of nothing.
func (c *Cache) NewShare() *Share { return &Share{cache: c} }

// Take adds bytes; false: there is no more.
func (s *Share) Take(n int64) bool {
	if !s.cache.room.lying.TryAcquire(n) {
		s.cache.Counts.Busy.Add(1)
		return false
	}
	s.bytes += n
	return true
}

// Leave gives all of them back.
func (s *Share) Leave() {
	s.cache.room.lying.Release(s.bytes)
	s.bytes = 0
}
