package segstore

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tandem/segstore/index"
)

const (
	batchDelay   = 20 * time.Millisecond
	batchObjects = 64
	retryDelay   = time.Second
	syncsAtOnce  = 4 // file systems join syncs that come together
)

// committer brings the index after the maps: of every key that changed the
// latest state, many keys in one transaction, bodies and directories synced
// before.
type committer struct {
	store *Store
	hurry chan struct{} // somebody waits, or a batch is full
	begin chan struct{} // pending is not empty
	quit  chan struct{}
	ended chan struct{}

	mu      sync.Mutex
	pending map[Key]*object // guarded by mu; nil: delete
	asked   uint64          // guarded by mu; changes so far
	done    uint64          // guarded by mu; changes that are in the index
	failure error           // guarded by mu; of the latest batch
	wake    chan struct{}   // guarded by mu; closed when done rises
	syncing chan struct{}   // guarded by mu; closed when a batch is let go; nil: none is held
	losses  uint64          // guarded by mu; bodies that could not be synced
	lost    error           // guarded by mu; why the latest of them
}

func newCommitter(s *Store) *committer {
	return &committer{
		store: s,
		hurry: make(chan struct{}, 1), begin: make(chan struct{}, 1),
		quit: make(chan struct{}), ended: make(chan struct{}),
		pending: make(map[Key]*object), wake: make(chan struct{}),
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// enqueue is called with the key's shard locked, so that the order of a key's
// changes is that of the maps, and that an object that is pending is also held
// by the map.
func (c *committer) enqueue(key Key, o *object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[key] = o
	c.asked++
	poke(c.begin)
	if len(c.pending) >= batchObjects {
		poke(c.hurry)
	}
}

// run commits until close; it is the only goroutine that writes the index.
func (c *committer) run() {
	defer close(c.ended)
	for {
		select {
		case <-c.begin:
		case <-c.quit:
			_ = c.flush() // close reports it
			return
		}
		c.pause(batchDelay, c.hurry)
		if c.flush() != nil {
			c.pause(retryDelay, nil)
			poke(c.begin)
		}
	}
}

func (c *committer) pause(d time.Duration, cut <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-cut:
	case <-c.quit:
	}
}

// take empties pending; every object of it is held until release, so that its
// file stays.
func (c *committer) take() (batch map[Key]*object, upTo uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch, c.pending = c.pending, make(map[Key]*object)
	for _, o := range batch {
		if o != nil {
			o.acquire()
		}
	}
	c.syncing = make(chan struct{})
	return batch, c.asked
}

// flush commits what is pending now. What failed is pending again, unless it was
// changed meanwhile.
func (c *committer) flush() error {
	batch, upTo := c.take()
	changes, dirs := c.syncBodies(batch)
	c.release(batch)
	err := c.write(changes, dirs)
	c.mu.Lock()
	first := c.failure == nil
	c.failure = err
	if err == nil {
		c.done = upTo
		close(c.wake)
		c.wake = make(chan struct{})
	}
	c.mu.Unlock()
	if err != nil {
		c.store.files.Failed(err)
		if first {
			c.store.log.Error().Err(err).Int("keys", len(batch)).Msg("cannot write the index; will be tried again")
		}
		c.restore(batch)
	}
	return err
}

// restore makes a failed batch pending again. Under its shard's mutex, because
// an object that has left the map meanwhile must not be pending.
func (c *committer) restore(batch map[Key]*object) {
	for key := range batch {
		shard := c.store.shard(key)
		shard.mu.Lock()
		o := shard.objects[key]
		if o != nil && o.file == nil {
			o = nil
		}
		c.mu.Lock()
		if _, newer := c.pending[key]; !newer {
			c.pending[key] = o
		}
		c.mu.Unlock()
		shard.mu.Unlock()
	}
}

// release lets the batch go before the transaction: an object that is evicted in
// between has its deletion in the next one, and until then a record without a
// file, which Open drops.
func (c *committer) release(batch map[Key]*object) {
	for _, o := range batch {
		if o != nil {
			o.release()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.syncing)
	c.syncing = nil
}

// letsGo waits until the batch that is held is let go; false: none is.
func (c *committer) letsGo(ctx context.Context) bool {
	c.mu.Lock()
	syncing := c.syncing
	c.mu.Unlock()
	if syncing == nil {
		return false
	}
	select {
	case <-syncing:
		return true
	case <-ctx.Done():
		return false
	}
}

// write makes the directories' entries and then the records durable.
func (c *committer) write(changes []index.Change, dirs map[string]struct{}) error {
	if len(changes) == 0 {
		return nil
	}
	if err := c.store.files.Sync(dirs); err != nil {
		return err
	}
	if err := c.store.fault("commit"); err != nil {
		return err
	}
	return c.store.index.Apply(changes)
}

// syncBodies syncs the bodies that are new, and returns the records of the batch
// and the directories that they rely on. A body that cannot be synced may not be
// on the disk at all, whatever the page cache says: it is thrown away.
func (c *committer) syncBodies(batch map[Key]*object) ([]index.Change, map[string]struct{}) {
	var group errgroup.Group
	group.SetLimit(syncsAtOnce)
	for _, o := range batch {
		if o == nil || o.synced {
			continue
		}
		group.Go(func() error {
			if err := c.syncBody(o); err != nil {
				c.store.files.Failed(err)
				c.store.discard(o, err)
				c.mu.Lock()
				c.losses, c.lost = c.losses+1, err
				c.mu.Unlock()
				return nil
			}
			o.synced = true
			return nil
		})
	}
	_ = group.Wait() // failures were dealt with one by one
	changes, dirs := make([]index.Change, 0, len(batch)), make(map[string]struct{})
	for key, o := range batch {
		switch {
		case o == nil:
			changes = append(changes, index.Change{Key: key})
		case o.synced:
			dirs[o.file.Dir()] = struct{}{}
			changes = append(changes, index.Change{Key: key, Record: o.meta.Load().record(o.file.Number())})
		}
	}
	return changes, dirs
}

func (c *committer) syncBody(o *object) error {
	f, err := o.file.Pin()
	if err != nil {
		return err
	}
	defer o.file.Unpin()
	if err := c.store.fault("sync"); err != nil {
		return err
	}
	return f.Sync()
}

func (c *committer) durable(ctx context.Context) error {
	c.mu.Lock()
	goal, losses := c.asked, c.losses
	c.mu.Unlock()
	for {
		c.mu.Lock()
		reached, wake, failure := c.done >= goal, c.wake, c.failure
		if c.losses != losses {
			reached, failure = true, c.lost
		}
		c.mu.Unlock()
		if reached {
			return failure
		}
		poke(c.hurry)
		select {
		case <-wake:
		case <-c.ended:
			return c.afterEnd(goal)
		case <-ctx.Done():
			if failure != nil {
				return failure
			}
			return context.Cause(ctx)
		}
	}
}

// afterEnd is durable's answer when run has ended.
func (c *committer) afterEnd(goal uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.done >= goal:
		return nil
	case c.failure != nil:
		return c.failure
	}
	return ErrClosed
}

// close commits what is pending and ends run.
func (c *committer) close() error {
	close(c.quit)
	<-c.ended
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}
