package segstore

import (
	"cmp"
	"context"
	"hash/maphash"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"tandem/segstore/files"
	"tandem/segstore/index"
)

const (
	shardCount         = 64
	defaultMaxBytes    = 1 << 30
	defaultMemoryBytes = 64 << 20
)

// Options of a store; zero values mean the defaults.
type Options struct {
	MaxBytes    int64 // bytes on disk, default 1 GiB; the index is not counted
	Objects     int   // on disk at most; default: what an eighth of the machine's memory has room for
	MemoryBytes int64 // bytes of volatile objects, default 64 MiB
	Descriptors int   // idle open files, default 4096, or a quarter of what the process may open
	Now         func() time.Time
	Logger      zerolog.Logger
	// Fault is asked at the named FaultPoints whether to fail; for tests.
	Fault func(point string) error
}

// Store keeps objects in one directory.
type Store struct {
	dir  string
	opt  Options
	log  zerolog.Logger
	ctx  context.Context // of all fills; canceled by Close
	stop context.CancelCauseFunc

	seed   maphash.Seed
	shards [shardCount]shard

	disk, volatile *pool
	files          *files.Dir
	count          counts
	streams        streams
	index          *index.Index
	commit         *committer

	closed  atomic.Bool
	closing sync.Once
	ending  error          // of Close; written inside closing
	fills   sync.WaitGroup // raised under a shard's mutex while not closed
	watched chan struct{}  // closed when nobody watches the disk any more
}

// shard is a part of the keys.
type shard struct {
	store   *Store
	mu      sync.Mutex
	objects map[Key]*object    // guarded by mu; complete copies
	fills   map[Key]*fill      // guarded by mu; whom to join
	aside   map[*fill]struct{} // guarded by mu; Puts beside a running fill
}

func (s *Store) shard(key Key) *shard {
	return &s.shards[maphash.String(s.seed, key)%shardCount]
}

// keep makes o, whose hold it takes over, its key's complete copy; mu is held.
func (sh *shard) keep(o *object) {
	sh.objects[o.key] = o
	sh.store.streams.note(o.meta.Load(), 1)
	o.pool.add(o)
	if o.file != nil {
		sh.store.commit.enqueue(o.key, o)
	}
}

// forget is the opposite of keep; mu is held, the caller releases o.
func (sh *shard) forget(o *object) {
	delete(sh.objects, o.key)
	sh.store.streams.note(o.meta.Load(), -1)
	o.pool.remove(o)
	if o.file != nil {
		sh.store.commit.enqueue(o.key, nil)
	}
}

// barrier waits until nobody is inside.
func (sh *shard) barrier() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
}

// Open opens the store in dir, which is made if it is missing. It reads the
// index and the names of the files, not the bodies.
func Open(dir string, o Options) (*Store, error) {
	s := newStore(dir, o)
	if err := files.Make(dir); err != nil {
		return nil, err // it names the path, and --data says whose
	}
	// A directory that others could read until now is shut: what lies in it may be
	// paid for. One that is not ours to shut is its owner's affair.
	if err := os.Chmod(dir, 0o700); err != nil {
		s.log.Warn().Err(err).Str("dir", dir).Msg("others may read the store")
	}
	if err := s.files.Lock(); err != nil {
		return nil, err
	}
	if err := (&recovery{store: s}).run(); err != nil {
		_ = s.files.Unlock()
		return nil, err
	}
	for s.disk.over() && s.evictOne(s.disk) {
		continue
	}
	go s.commit.run()
	go func() {
		defer close(s.watched)
		s.files.Watch(s.ctx)
	}()
	return s, nil
}

func newStore(dir string, o Options) *Store {
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = defaultMemoryBytes
	}
	if o.Objects <= 0 {
		o.Objects = mostObjects(machineMemory())
	}
	if o.Descriptors <= 0 {
		o.Descriptors = files.Idle()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{
		dir: dir, opt: o, log: o.Logger, seed: maphash.MakeSeed(),
		disk: newPool(o.MaxBytes, int64(o.Objects)), volatile: newPool(o.MemoryBytes, max(o.MemoryBytes/objectMemory, fewVolatile)),
		files:   files.New(files.Config{Path: dir, Open: o.Descriptors, Fault: o.Fault, Logger: o.Logger}),
		streams: streams{count: map[string]int{}}, watched: make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancelCause(context.Background())
	s.commit = newCommitter(s)
	for i := range s.shards {
		s.shards[i] = shard{
			store:   s,
			objects: make(map[Key]*object),
			fills:   make(map[Key]*fill),
			aside:   make(map[*fill]struct{}),
		}
	}
	return s
}

// Durable waits until everything that was completed, changed or deleted before
// the call would survive a power cut. An error says that it would not, or that a
// body could not be synced and was thrown away.
func (s *Store) Durable(ctx context.Context) error { return s.commit.durable(ctx) }

// Unwritable is why what comes can't be kept on the disk, nil where it can. What is
// there is read all the same.
func (s *Store) Unwritable() error { return s.files.Unwritable() }

// Close cancels the fills, waits for their Sources, makes the rest durable and
// lets the directory go. Open views of complete objects stay readable where their
// file is open; other reads fail with ErrClosed.
func (s *Store) Close() error {
	s.closing.Do(func() { s.ending = s.close() })
	return s.ending
}

func (s *Store) close() error {
	s.closed.Store(true)
	s.files.Closing()
	for i := range s.shards { // whoever saw the store open has started its fill
		s.shards[i].barrier()
	}
	s.stop(ErrClosed)
	s.fills.Wait()
	<-s.watched
	err := s.commit.close()
	return cmp.Or(err, s.files.Close(s.index.Close))
}
