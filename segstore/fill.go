package segstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"golang.org/x/sys/unix"
)

// Source makes one object: it calls sink.Begin, writes the body, and returns nil
// when the body is complete. It runs once a key at a time, in a goroutine of the
// store, and must return when ctx ends.
type Source func(ctx context.Context, sink *Sink) error

// fill is one run of a Source and those who wait for it. It is what ten players
// share that ask for one missing segment: the first starts it, all of them read
// the object while it grows.
type fill struct {
	store  *Store
	shard  *shard
	key    Key
	ctx    context.Context
	cancel context.CancelCauseFunc
	aside  bool    // a Put beside a running fill
	old    *object // the complete copy that a refresh may keep; held until the end

	// guarded by shard.mu
	readers   int      // waiters and views
	detached  bool     // goes on without readers
	purged    bool     // the key was deleted: store nothing
	transient bool     // for those who wait now: store nothing
	untagged  []string // tags that were deleted before it was known what it has
	object    *object  // what readers get; nil before Begin

	ready chan struct{} // closed at Begin, or at the end if there was none
	done  chan struct{} // closed at the end
	err   error         // why nothing was begun; written before ready is closed
}

// newFill is called with shard.mu held.
func (s *Store) newFill(shard *shard, key Key) *fill {
	f := &fill{
		store: s, shard: shard, key: key,
		ready: make(chan struct{}), done: make(chan struct{}),
	}
	f.ctx, f.cancel = context.WithCancelCause(s.ctx)
	if f.old = shard.objects[key]; f.old != nil {
		f.old.acquire()
	}
	return f
}

// join is called with shard.mu held; whoever joined leaves once.
func (f *fill) join() {
	f.readers++
	if f.object != nil {
		f.object.acquire()
	}
}

// leave ends a wait or a view. When nobody is left the Source is canceled, and a
// new reader starts a new fill rather than joining one that is about to end.
func (f *fill) leave() {
	f.shard.mu.Lock()
	f.readers--
	if f.readers == 0 && !f.detached && !f.written() {
		f.unlist()
		f.cancel(ErrAbandoned)
	}
	held := f.object
	f.shard.mu.Unlock()
	if held != nil {
		held.release()
	}
}

// written says that all bytes are there: who has read the last of them may be
// faster than the Source, which is about to return. Called with shard.mu held.
func (f *fill) written() bool {
	if f.object == nil {
		return false
	}
	size := f.object.meta.Load().Size
	return size >= 0 && f.object.avail.Load() >= size
}

// await waits for the object; the caller has joined, and the view leaves.
func (f *fill) await(ctx context.Context) (*View, error) {
	select {
	case <-f.ready:
	case <-ctx.Done():
		f.leave()
		return nil, context.Cause(ctx)
	}
	f.shard.mu.Lock()
	o := f.object
	f.shard.mu.Unlock()
	if o == nil {
		f.leave()
		return nil, f.err
	}
	return &View{object: o, fill: f}, nil
}

// show gives all readers o.
func (f *fill) show(o *object) {
	f.shard.mu.Lock()
	if slices.ContainsFunc(f.untagged, o.meta.Load().Tags.Has) {
		f.purged = true
		f.unlist()
	}
	f.object = o
	o.refs.Add(int64(f.readers))
	f.shard.mu.Unlock()
	close(f.ready)
}

// run lets the source fill, and ends the fill; it returns the source's error or
// what was wrong with its object.
func (f *fill) run(source Source) error {
	sink := &Sink{fill: f}
	err := f.call(source, sink)
	switch {
	case sink.object != nil:
		err = f.settle(sink, err)
	case sink.kept:
		err = nil
	default:
		if err == nil {
			err = ErrNoBegin
		}
		f.withdraw()
		f.err = err
		close(f.ready)
	}
	if err != nil {
		f.failed(err)
	}
	f.cancel(context.Canceled)
	if f.old != nil {
		f.old.release()
	}
	close(f.done)
	return err
}

// settle makes what was written complete or broken.
func (f *fill) settle(sink *Sink, err error) error {
	o := sink.object
	if err == nil {
		err = sink.verify()
	}
	if o.memory != nil {
		o.memory.trim()
	}
	if err == nil {
		f.publish(o, sink.settled())
	} else {
		f.withdraw()
		o.end(err)
	}
	if o.file != nil {
		o.file.Unpin()
	}
	o.release()
	return err
}

// call runs the source; a panic in it ends the fill, not the process.
func (f *fill) call(source Source, sink *Sink) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrPanic, r)
			f.store.log.Error().Err(err).Str("key", f.key).Bytes("stack", debug.Stack()).Msg("source panicked")
		}
	}()
	if err = source(f.ctx, sink); err == nil {
		return nil
	}
	if cause := context.Cause(f.ctx); cause != nil && errors.Is(err, context.Canceled) {
		return cause // says why, where the source can only say that
	}
	return err
}

func (f *fill) failed(err error) {
	f.store.count.fillErrors.Add(1)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		f.store.log.Warn().Err(err).Str("key", f.key).Msg("disk is full; objects are evicted")
		f.store.shrink()
	}
}

// withdraw makes the key fillable again.
func (f *fill) withdraw() {
	f.shard.mu.Lock()
	defer f.shard.mu.Unlock()
	f.unlist()
}

// unlist is called with shard.mu held.
func (f *fill) unlist() {
	if f.shard.fills[f.key] == f {
		delete(f.shard.fills, f.key)
	}
	delete(f.shard.aside, f)
}

// publish makes o the complete copy, unless the key was deleted meanwhile.
func (f *fill) publish(o *object, meta *Meta) {
	o.meta.Store(meta)
	o.used.Store(f.store.opt.Now().UnixNano())
	o.sized.Store(true)
	o.proven.Store(true)
	f.shard.mu.Lock()
	f.unlist()
	if o.state.Load() == broken || !f.storable() {
		o.end(nil)
		f.shard.mu.Unlock()
		return
	}
	old := f.shard.objects[f.key]
	if old != nil {
		f.shard.forget(old)
	}
	o.acquire() // for the map
	f.shard.keep(o)
	o.end(nil)
	f.shard.mu.Unlock()
	if old != nil {
		old.release()
	}
}

// storable is called with shard.mu held, after unlist. An object that was
// complete all the same when everybody had left is kept, unless somebody newer
// is or was at work.
func (f *fill) storable() bool {
	if f.purged || f.transient {
		return false
	}
	if f.aside || context.Cause(f.ctx) == nil {
		return true
	}
	return f.shard.fills[f.key] == nil && f.shard.objects[f.key] == f.old
}

// settled is the metadata of the complete object.
func (k *Sink) settled() *Meta {
	meta := *k.object.meta.Load()
	meta.Size = k.written
	meta.Digest = hex.EncodeToString(k.hash.Sum(nil))
	return &meta
}
