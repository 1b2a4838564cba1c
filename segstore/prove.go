package segstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// proveAtOnce is the size up to which a copy that was found at the start is compared
// with its digest before its first byte is given, in bytes. A larger one is given
// meanwhile, and breaks off where it is found to be another: nobody waits for
// gigabytes to be read.
const proveAtOnce = 16 << 20

// prove compares a copy with its digest, once, whoever asks for it at the moment. The
// caller holds the object.
func (o *object) prove() error {
	if o.meta.Load().Size > proveAtOnce {
		o.proveBeside()
		return nil
	}
	o.proving.Lock()
	defer o.proving.Unlock()
	switch {
	case o.proven.Load():
		return nil
	case o.state.Load() == broken: // who came before found out
		return o.failure()
	}
	return o.proveNow()
}

func (o *object) proveNow() error {
	if err := o.compare(); err != nil {
		return err
	}
	o.proven.Store(true)
	o.store.count.proven.Add(1)
	return nil
}

// proveBeside is prove while the copy is given already.
func (o *object) proveBeside() {
	s := o.store
	if !o.proving.TryLock() {
		return // somebody does it
	}
	shard := s.shard(o.key)
	shard.mu.Lock()
	begun := !s.closed.Load() && !o.proven.Load() && o.state.Load() != broken
	if begun {
		s.fills.Add(1)
		o.acquire()
	}
	shard.mu.Unlock()
	if !begun {
		o.proving.Unlock()
		return
	}
	go func() {
		defer s.fills.Done()
		defer o.release()
		defer o.proving.Unlock()
		if err := o.proveNow(); err != nil && s.ctx.Err() == nil {
			s.discard(o, err)
		}
	}()
}

// compare reads the body and compares it with its digest.
func (o *object) compare() error {
	meta := o.meta.Load()
	var body io.Reader = bytes.NewReader(nil)
	if o.memory != nil {
		body = bytes.NewReader(o.memory.upTo(o.avail.Load()))
	} else {
		file, err := o.file.Pin()
		if err != nil {
			return err
		}
		defer o.file.Unpin()
		if err := sameSize(file, meta.Size); err != nil {
			return err
		}
		body = io.NewSectionReader(file, 0, meta.Size)
	}
	sum := sha256.New()
	n, err := io.Copy(sum, ending{body, o.store.ctx})
	switch {
	case err != nil:
		return err
	case n != meta.Size:
		return fmt.Errorf("%w: %d of %d bytes", ErrSize, n, meta.Size)
	case hex.EncodeToString(sum.Sum(nil)) != meta.Digest:
		return ErrDigest
	}
	return nil
}

// ending is a reader that fails when ctx has ended.
type ending struct {
	io.Reader
	ctx context.Context
}

func (e ending) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.Reader.Read(p)
}
