package segstore

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tandem/segstore/eviction"
	"tandem/segstore/files"
)

const (
	growing int32 = iota
	complete
	broken
)

// object is one version of one key: its metadata, where its bytes lie and how
// far they have come. One fill writes it; any number of views read it.
type object struct {
	store  *Store
	key    Key
	pool   *pool
	file   *files.File // nil: volatile
	memory *memory     // nil: on disk

	meta  atomic.Pointer[Meta] // never changed in place
	avail counter              // bytes that may be read
	state atomic.Int32
	// refs counts the holders: the map or the fill, each view, the committer while
	// it syncs. It is raised under the shard's mutex, or by a holder.
	refs counter
	hits counter
	used counter // unix nanoseconds of the last use

	charge     counter               // bytes reserved in pool
	bodyCharge counter               // of these, for the body
	node       eviction.Node[object] // guarded by pool.mu

	sized   atomic.Bool // the file's length was compared in this process
	proven  atomic.Bool // the body was written, or compared with its digest, in this process
	proving sync.Mutex  // held while it is compared
	synced  bool        // owned by the committer

	mu   sync.Mutex
	wake chan struct{} // guarded by mu; nil: nobody waits
	err  error         // guarded by mu; why it is broken
}

func (o *object) acquire() { o.refs.Add(1) }

// release lets go; the last one to do so removes the body.
func (o *object) release() {
	if o.refs.Add(-1) > 0 {
		return
	}
	if o.file != nil && !o.file.Remove() {
		return // its bytes are still there, and count
	}
	o.pool.free(o)
}

func (o *object) touch(now time.Time) {
	o.hits.Add(1)
	o.used.Store(now.UnixNano())
	o.node.Hit()
}

// advance lets readers see bytes up to n.
func (o *object) advance(n int64) {
	o.avail.Store(n)
	o.wakeAll()
}

// end makes o complete (err nil) or broken; the first call decides, except that
// a complete object may break later.
func (o *object) end(err error) {
	o.mu.Lock()
	switch {
	case err == nil && o.state.Load() == growing:
		o.state.Store(complete)
	case err != nil && o.state.Load() != broken:
		o.err = fmt.Errorf("%w at byte %d: %w", ErrBroken, o.avail.Load(), err)
		if o.state.Swap(broken) == complete {
			o.avail.Store(0) // nothing of it can be trusted any more
		}
	}
	o.mu.Unlock()
	o.wakeAll()
}

func (o *object) wakeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.wake != nil {
		close(o.wake)
		o.wake = nil
	}
}

func (o *object) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// progress tells how far o has come beyond offset; when there is nothing new it
// returns a channel that is closed as soon as there may be.
func (o *object) progress(offset int64) (avail int64, done bool, wait <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	state := o.state.Load() // before avail, which is final when the state is
	avail = o.avail.Load()
	switch {
	case state == complete:
		return avail, true, nil, nil
	case avail > offset:
		return avail, false, nil, nil
	case state == broken:
		return avail, true, nil, o.err
	}
	if o.wake == nil {
		o.wake = make(chan struct{})
	}
	return avail, false, o.wake, nil
}

// readAt reads available bytes; the caller holds a pin on the file. A file that
// has become shorter than it was spoils the object for all.
func (o *object) readAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errOffset
	}
	state := o.state.Load()
	left := o.avail.Load() - off
	if left <= 0 {
		switch state {
		case complete:
			return 0, io.EOF
		case broken:
			return 0, o.failure()
		}
		return 0, ErrGrowing
	}
	want := p[:min(int64(len(p)), left)]
	n, err := o.readBody(want, off)
	if n < len(want) {
		o.store.discard(o, fmt.Errorf("read at byte %d: %w", off+int64(n), err))
		return n, o.failure()
	}
	if n < len(p) && state == complete {
		return n, io.EOF
	}
	return n, nil
}

func (o *object) readBody(p []byte, off int64) (int, error) {
	if o.memory != nil {
		return copy(p, o.memory.upTo(off + int64(len(p)))[off:]), nil
	}
	if err := o.store.fault("read"); err != nil {
		return 0, err
	}
	return o.file.ReadAt(p, off)
}

// checkSize compares the file's length with the metadata, once: Open does not.
func (o *object) checkSize() error {
	if o.file == nil || o.sized.Load() {
		return nil
	}
	f, err := o.file.Pin()
	if err != nil {
		return err
	}
	defer o.file.Unpin()
	if err := sameSize(f, o.meta.Load().Size); err != nil {
		return err
	}
	o.sized.Store(true)
	return nil
}

func sameSize(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != size {
		return fmt.Errorf("%w: file has %d bytes, not %d", ErrSize, info.Size(), size)
	}
	return nil
}
