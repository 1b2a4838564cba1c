package segstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Sink takes one object from a Source. It is used by the Source's goroutine
// alone, and not after the Source has returned.
type Sink struct {
	fill    *fill
	object  *object // nil before Begin
	kept    bool
	hash    hash.Hash
	size    int64  // announced, or -1
	digest  string // announced, or ""
	hold    bool   // the digest was announced before the body
	written int64
}

// Begin announces the object: from now on readers see its metadata. Meta.Size
// and Meta.Digest, where given, are verified. ErrTooLarge (and ErrFull, which is
// one): the store does not take it, nobody has seen anything.
func (k *Sink) Begin(m Meta) error {
	if k.object != nil || k.kept {
		return ErrOrder
	}
	s := k.fill.store
	if err := context.Cause(k.fill.ctx); err != nil {
		return err
	}
	if err := m.settle(s.opt.Now()); err != nil {
		return err
	}
	k.size, k.digest, k.hash = m.Size, strings.ToLower(m.Digest), sha256.New()
	k.hold = k.digest != ""
	m.Digest = ""
	o, err := k.newObject(&m)
	if err != nil {
		return err
	}
	k.object = o
	k.fill.show(o)
	return nil
}

// newObject makes room and a body.
func (k *Sink) newObject(m *Meta) (*object, error) {
	s, key := k.fill.store, k.fill.key
	o := &object{store: s, key: key, pool: s.disk}
	if m.Volatile {
		o.pool = s.volatile
	}
	if m.Size > o.pool.max/2 {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, m.Size, o.pool.max/2)
	}
	if err := s.reserve(k.fill.ctx, o, max(m.Size, 0), costOf(key, m)); err != nil {
		return nil, err
	}
	if m.Volatile {
		o.memory = newMemory(m.Size)
	} else if err := o.create(m.Size); err != nil {
		o.pool.free(o)
		return nil, err
	}
	o.refs.Store(1)
	o.used.Store(s.opt.Now().UnixNano())
	o.meta.Store(m)
	return o, nil
}

// create creates o's file, and once more after making room on a full disk. A disk
// that takes none, for whatever reason, keeps the body from nobody who waits for it.
func (o *object) create(size int64) (err error) {
	for range 2 {
		if o.file, err = o.store.files.Create(size); err == nil {
			return nil
		}
		if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) {
			break
		}
		o.store.shrink()
	}
	return fmt.Errorf("%w: %w", ErrFull, err)
}

// Write adds to the body, and lets readers see it.
func (k *Sink) Write(p []byte) (int, error) {
	o := k.object
	if o == nil {
		return 0, ErrOrder
	}
	if err := context.Cause(k.fill.ctx); err != nil {
		return 0, err
	}
	end := k.written + int64(len(p))
	if k.size >= 0 && end > k.size {
		return 0, fmt.Errorf("%w: more than %d bytes", ErrSize, k.size)
	}
	if k.size < 0 {
		if end > o.pool.max/2 {
			return 0, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, o.pool.max/2)
		}
		if err := o.store.reserve(k.fill.ctx, o, int64(len(p)), 0); err != nil {
			return 0, err
		}
	}
	if err := k.put(p); err != nil {
		return 0, err
	}
	k.hash.Write(p)
	k.written = end
	k.advance()
	return len(p), nil
}

// copyBuffers are what bodies pass through on their way from the network.
var copyBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// ReadFrom is what io.Copy uses: each Read of r becomes one Write, so that readers
// see bytes as they come.
func (k *Sink) ReadFrom(r io.Reader) (int64, error) {
	buffer := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(buffer)
	start := k.written
	for {
		n, err := r.Read(buffer[:])
		if n > 0 {
			if _, werr := k.Write(buffer[:n]); werr != nil {
				return k.written - start, werr
			}
		}
		if errors.Is(err, io.EOF) {
			return k.written - start, nil
		}
		if err != nil {
			return k.written - start, err
		}
	}
}

func (k *Sink) put(p []byte) error {
	o := k.object
	if o.memory != nil {
		o.memory.append(p)
		return nil
	}
	err := o.store.fault("write")
	if err == nil {
		err = o.file.WriteAt(p, k.written)
	}
	if err != nil {
		o.store.files.Failed(err)
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// advance shows readers what was written. Where size and digest are known
// beforehand the last byte is held back until the digest has been verified, so
// that nobody gets the announced length of something wrong.
func (k *Sink) advance() {
	shown := k.written
	if k.hold && k.size >= 0 {
		shown = min(shown, k.size-1)
	}
	if shown > k.object.avail.Load() {
		k.object.advance(shown)
	}
}

// Expect announces the digest (sha-256 in hex) after Begin, as from a trailer.
func (k *Sink) Expect(digest string) { k.digest = strings.ToLower(digest) }

// Detach lets the fill go on when no reader is left.
func (k *Sink) Detach() {
	k.fill.shard.mu.Lock()
	defer k.fill.shard.mu.Unlock()
	k.fill.detached = true
}

// Transient says that what is begun is for those who wait for it now: it is not
// stored, and a complete copy that there is stays.
func (k *Sink) Transient() {
	k.fill.shard.mu.Lock()
	defer k.fill.shard.mu.Unlock()
	k.fill.transient = true
}

// Stale returns the metadata of the complete copy that a refresh may Keep.
func (k *Sink) Stale() (Meta, bool) {
	if k.fill.old == nil {
		return Meta{}, false
	}
	return *k.fill.old.meta.Load(), true
}

// Keep ends a refresh whose origin said "not modified": the complete copy stays,
// with what m names changed as by Replace, and all waiters get it. ErrAbsent when
// it was deleted meanwhile: ask the origin without a condition.
func (k *Sink) Keep(m Meta) error {
	if k.object != nil || k.kept {
		return ErrOrder
	}
	f := k.fill
	if f.old == nil || !f.store.remeta(f.old, m, f) {
		return ErrAbsent
	}
	k.kept = true
	f.withdraw() // whoever asks from now on asks the origin again
	f.show(f.old)
	return nil
}

// verify compares the body with what was announced, and shows the rest of it.
func (k *Sink) verify() error {
	if k.size >= 0 && k.written != k.size {
		return fmt.Errorf("%w: %d of %d bytes", ErrSize, k.written, k.size)
	}
	if k.digest != "" && k.digest != hex.EncodeToString(k.hash.Sum(nil)) {
		return ErrDigest
	}
	if err := context.Cause(k.fill.ctx); errors.Is(err, ErrClosed) {
		return err
	}
	k.object.avail.Store(k.written)
	return nil
}
