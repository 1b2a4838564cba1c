package segstore

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"tandem/segstore/files"
	"tandem/segstore/index"
	"tandem/segstore/record"
)

const indexName = "index"

// recovery brings directory and maps of a store together at its start.
type recovery struct {
	store   *Store
	records []found
	damaged []index.Change // records that can't be read, to be removed
	lost    []index.Change // records without a file, to be removed
	strays  int            // files without a record, removed
}

// found is a record that was read at the start.
type found struct {
	key    Key
	number uint64
	meta   *Meta
}

// run makes objects of what the index names and has a file; every other record and every
// other file is removed. What a crash left behind is of the second kind.
func (r *recovery) run() error {
	s := r.store
	path := filepath.Join(s.dir, indexName)
	x, err := index.Open(path, r.see)
	if errors.Is(err, index.ErrCorrupt) {
		aside, moveErr := index.MoveAside(path)
		s.log.Error().Err(err).Str("moved_to", aside).Msg("index is corrupt; the store starts empty")
		if moveErr != nil {
			return fmt.Errorf("segstore: open %s: %w", s.dir, moveErr)
		}
		r.records, r.damaged = nil, nil
		x, err = index.Open(path, r.see)
	}
	if err != nil {
		return fmt.Errorf("segstore: open %s: %w", s.dir, err)
	}
	s.index = x
	err = r.adopt()
	if err == nil {
		err = x.Apply(append(r.damaged, r.lost...))
	}
	if err == nil {
		err = files.Sync(s.dir)
	}
	if err != nil {
		_ = x.Close()
		return fmt.Errorf("segstore: open %s: %w", s.dir, err)
	}
	s.log.Info().Int("objects", len(r.records)-len(r.lost)).Int("damaged_records", len(r.damaged)).
		Int("lost_files", len(r.lost)).Int("stray_files", r.strays).Msg("segment store is open")
	return nil
}

// see notes a record of the index.
func (r *recovery) see(key Key, b []byte) {
	number, meta, err := decodeRecord(b)
	if err != nil || checkKey(key) != nil {
		r.damaged = append(r.damaged, index.Change{Key: key})
		return
	}
	r.records = append(r.records, found{key, number, meta})
}

// adopt makes objects of the records that have a file, and removes the files
// that have no record.
func (r *recovery) adopt() error {
	there, err := r.store.files.List()
	if err != nil {
		return err
	}
	highest := uint64(0)
	for number := range there {
		highest = max(highest, number)
	}
	slices.SortFunc(r.records, func(a, b found) int { return cmp.Compare(a.number, b.number) })
	for _, one := range r.records {
		highest = max(highest, one.number)
		if _, ok := there[one.number]; !ok {
			r.lost = append(r.lost, index.Change{Key: one.key})
			continue
		}
		delete(there, one.number) // a second record for it is lost
		r.adoptOne(one)
	}
	r.store.files.Given(highest)
	for _, path := range there {
		if err := os.Remove(path); err != nil {
			r.store.log.Warn().Err(err).Msg("cannot remove a stray body")
			continue
		}
		r.strays++
	}
	return nil
}

// adoptOne comes before the store is shared: no mutex is needed.
func (r *recovery) adoptOne(one found) {
	s := r.store
	o := &object{store: s, key: one.key, pool: s.disk, synced: true}
	o.file = s.files.Adopt(one.number)
	one.meta.Rebase(s.opt.Now())
	o.meta.Store(one.meta)
	o.avail.Store(one.meta.Size)
	o.state.Store(complete)
	o.refs.Store(1)
	o.used.Store(record.Nanos(one.meta.Stored))
	s.disk.take(o, one.meta.Size, costOf(one.key, one.meta))
	s.disk.add(o)
	s.shard(one.key).objects[one.key] = o
	s.streams.note(one.meta, 1)
}
