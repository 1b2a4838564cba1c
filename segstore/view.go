package segstore

import (
	"context"
	"io"
	"math"
	"os"
	"sync/atomic"
	"time"
)

// View reads one version of one object, complete or growing. It is used by one
// goroutine at a time and must be closed; until then the bytes stay, whatever
// happens to the key.
type View struct {
	object *object
	fill   *fill    // whose reader this is; nil: of a complete copy
	file   *os.File // pinned; nil: not yet
	closed atomic.Bool
}

// Meta is what Begin announced; when complete, with size and digest.
func (v *View) Meta() Meta { return *v.object.meta.Load() }

// Fresh says whether the copy may be served at now without asking the origin.
func (v *View) Fresh(now time.Time) bool {
	fresh := v.object.meta.Load().Fresh
	return fresh.IsZero() || now.Before(fresh)
}

// Complete says whether all bytes are there and verified.
func (v *View) Complete() bool { return v.object.state.Load() == complete }

// Proven says whether the bytes were written, or compared with their digest, since the
// store was opened.
func (v *View) Proven() bool { return v.object.proven.Load() }

// Transient says that nobody keeps the object: it is for those who wait now.
func (v *View) Transient() bool {
	if v.fill == nil {
		return false
	}
	v.fill.shard.mu.Lock()
	defer v.fill.shard.mu.Unlock()
	return v.fill.transient
}

// Size is the body's size in bytes, -1 when it is not known yet.
func (v *View) Size() int64 { return v.object.meta.Load().Size }

// Available is the number of bytes that can be read now.
func (v *View) Available() int64 { return v.object.avail.Load() }

// Err is nil, or an ErrBroken.
func (v *View) Err() error {
	if v.object.state.Load() != broken {
		return nil
	}
	return v.object.failure()
}

// Wait returns when more than offset bytes are available, or the object is
// complete (done) or broken (ErrBroken, when all bytes before that were seen).
func (v *View) Wait(ctx context.Context, offset int64) (available int64, done bool, err error) {
	for {
		available, done, wait, err := v.object.progress(offset)
		if wait == nil {
			return available, done, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return available, false, context.Cause(ctx)
		}
	}
}

// ReadAt reads only available bytes. At the end of a complete object it returns
// io.EOF; where no byte is there yet, ErrGrowing; of a broken one, ErrBroken.
func (v *View) ReadAt(p []byte, off int64) (int, error) {
	if v.closed.Load() {
		return 0, ErrClosed
	}
	if v.object.file != nil {
		if _, ok := v.File(); !ok {
			return 0, v.Err()
		}
	}
	return v.object.readAt(p, off)
}

// File is the descriptor shared by all views: use it with explicit offsets only
// (sendfile, pread), and not after Close. When it ends too early call Recheck, or
// ReadAt, which finds out why. It is false for a volatile object, which has Bytes, and
// for one that turns out to be broken, which has Err.
func (v *View) File() (*os.File, bool) {
	if v.object.file == nil || v.closed.Load() {
		return nil, false
	}
	if v.file == nil {
		file, err := v.object.file.Pin()
		if err != nil {
			v.object.store.discard(v.object, err)
			return nil, false
		}
		v.file = file
	}
	return v.file, true
}

// Recheck throws the copy away, and says why, when its file is not as long as it was:
// for whoever sent from the file itself, and was left with less than there is to be.
// It reads nothing.
func (v *View) Recheck() error {
	if v.object.file == nil || v.closed.Load() || !v.Complete() {
		return nil
	}
	file, ok := v.File()
	if !ok {
		return v.Err()
	}
	if err := sameSize(file, v.Size()); err != nil {
		v.object.store.discard(v.object, err)
		return v.object.failure()
	}
	return nil
}

// Bytes are the available bytes of a volatile object, not to be changed; nil for
// one on disk.
func (v *View) Bytes() []byte {
	if v.object.memory == nil {
		return nil
	}
	return v.object.memory.upTo(v.object.avail.Load())
}

// Digest waits for completion and returns the sha-256 of the body in hex.
func (v *View) Digest(ctx context.Context) (string, error) {
	if err := v.finish(ctx); err != nil {
		return "", err
	}
	return v.object.meta.Load().Digest, nil
}

// finish waits until the object is complete or broken.
func (v *View) finish(ctx context.Context) error {
	_, _, err := v.Wait(ctx, math.MaxInt64)
	return err
}

// Close ends the reading; more than once does no harm.
func (v *View) Close() {
	if v.closed.Swap(true) {
		return
	}
	if v.file != nil {
		v.object.file.Unpin()
		v.file = nil
	}
	if v.fill != nil {
		v.fill.leave()
		return
	}
	v.object.release()
}

// Reader reads the body from off on, and waits for bytes that are not there yet.
func (v *View) Reader(ctx context.Context, off int64) io.Reader {
	return &reader{view: v, ctx: ctx, off: off}
}

type reader struct {
	view *View
	ctx  context.Context
	off  int64
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if _, _, err := r.view.Wait(r.ctx, r.off); err != nil {
		return 0, err
	}
	n, err := r.view.ReadAt(p, r.off)
	r.off += int64(n)
	if n > 0 {
		err = nil // an end is reported alone
	}
	return n, err
}

var (
	_ io.ReaderAt = (*View)(nil)
	_ io.Writer   = (*Sink)(nil)

	_ io.ReaderFrom = (*Sink)(nil)
)
