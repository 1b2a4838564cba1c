package segstore

import (
	"context"
	"io"
)

// proveAtOnce is the size up to which a copy that was found at the start is compared
// with its digest before its first byte is given, in bytes. A larger one is given
// meanwhile, and breaks off where it is found to be another: nobody waits for
// gigabytes to be read.
const proveAtOnce = 16 << 20

// prove compares a copy with its digest, once, whoever asks for it at the moment. The
// caller holds the object.
func (s *Store) prove(o *object) error {
	if o.meta.Load().Size > proveAtOnce {
		s.proveBeside(o)
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
	return s.proveNow(o)
}

func (s *Store) proveNow(o *object) error {
	if err := s.checkBody(o); err != nil {
		return err
	}
	o.proven.Store(true)
	s.count.proven.Add(1)
	return nil
}

// proveBeside is prove while the copy is given already.
func (s *Store) proveBeside(o *object) {
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
		if err := s.proveNow(o); err != nil && s.ctx.Err() == nil {
			s.discard(o, err)
		}
	}()
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
