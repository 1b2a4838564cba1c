package segstore

import (
	"errors"
	"fmt"
	"os"
)

// maxFindings bounds what one Check reports.
const maxFindings = 20

// findings are what a Check of a store has found wrong.
type findings struct {
	store *Store
	errs  []error
	more  int
}

func (f *findings) add(format string, args ...any) {
	if len(f.errs) == maxFindings {
		f.more++
		return
	}
	f.errs = append(f.errs, fmt.Errorf("segstore: check: "+format, args...))
}

func (f *findings) err() error {
	if f.more > 0 {
		f.errs = append(f.errs, fmt.Errorf("segstore: check: %d more", f.more))
	}
	return errors.Join(f.errs...)
}

// Check walks the truths of the package: it reads every body again and compares
// it with its digest, the index with the maps, the files with both, and the
// bytes reserved with those that are there. Copies that are damaged are reported
// and thrown away. The store may be in use meanwhile.
func (s *Store) Check() error {
	f := findings{store: s}
	if err := s.Durable(s.ctx); err != nil {
		return err
	}
	for i := range s.shards {
		for _, o := range s.shards[i].hold() {
			if err := o.compare(); err != nil {
				f.add("%q: %w", o.key, err)
				s.discard(o, err)
			}
			o.release()
		}
	}
	if err := f.checkIndex(); err != nil {
		return err
	}
	if err := f.checkFiles(); err != nil {
		return err
	}
	f.checkPool("disk", s.disk, false)
	f.checkPool("memory", s.volatile, true)
	return f.err()
}

// hold returns the complete objects, each held for the caller.
func (sh *shard) hold() []*object {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	objects := make([]*object, 0, len(sh.objects))
	for _, o := range sh.objects {
		o.acquire()
		objects = append(objects, o)
	}
	return objects
}

// checkIndex compares each record with its object; a difference counts when the
// key was at rest, that is when no change of it is pending afterwards.
func (f *findings) checkIndex() error {
	s := f.store
	if err := s.Durable(s.ctx); err != nil { // what compare threw away
		return err
	}
	before := s.commit.changes()
	records := make(map[Key]uint64)
	err := s.index.Walk(func(key Key, record []byte) {
		number, _, err := decodeRecord(record)
		if err != nil {
			f.add("record of %q: %w", key, err)
		}
		records[key] = number
	})
	if err != nil {
		return fmt.Errorf("segstore: check: %w", err)
	}
	objects := make(map[Key]uint64)
	for i := range s.shards {
		s.shards[i].fileNumbers(objects)
	}
	if s.commit.changes() != before {
		return nil // in use: the next check will do it
	}
	for key, number := range objects {
		if records[key] != number {
			f.add("%q has file %d, in the index %d", key, number, records[key])
		}
		delete(records, key)
	}
	for key, number := range records {
		f.add("index names %q with file %d, which is no object", key, number)
	}
	return nil
}

func (sh *shard) fileNumbers(into map[Key]uint64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for key, o := range sh.objects {
		if o.file != nil {
			into[key] = o.file.Number()
		}
	}
}

// changes is how many changes were ever asked for.
func (c *committer) changes() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// checkFiles looks for bodies that nobody owns.
func (f *findings) checkFiles() error {
	list, err := f.store.files.List()
	if err != nil {
		return fmt.Errorf("segstore: check: %w", err)
	}
	for number, path := range list {
		if f.store.files.Owned(number) {
			continue
		}
		if _, err := os.Lstat(path); err == nil { // else it was removed meanwhile
			f.add("%s belongs to nobody", path)
		}
	}
	return nil
}

// checkPool compares the bytes reserved with the objects; only where nothing
// fills, changes or lingers meanwhile are they equal.
func (f *findings) checkPool(name string, p *pool, volatile bool) {
	changes, used := p.changes.Load(), p.used.Load()
	sum, files, busy := int64(0), 0, false
	for i := range f.store.shards {
		busy = f.store.shards[i].charge(volatile, &sum, &files) || busy
	}
	if busy || p.changes.Load() != changes {
		return
	}
	if used > p.max {
		f.add("%s: %d bytes reserved, at most %d", name, used, p.max)
	}
	if sum > used || !volatile && files == f.store.files.Count() && sum != used {
		f.add("%s: objects have %d bytes, reserved are %d", name, sum, used)
	}
}

// charge adds up what the objects have reserved; true: a fill is running.
func (sh *shard) charge(volatile bool, sum *int64, files *int) bool {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, o := range sh.objects {
		if (o.memory != nil) == volatile {
			*sum += o.charge.Load()
		}
		if o.file != nil {
			*files++
		}
	}
	return len(sh.fills)+len(sh.aside) > 0
}
