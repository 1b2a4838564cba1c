package segstore

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	indexName    = "index"
	corruptName  = "index.corrupt-"
	corruptsKept = 4
)

// found is a record that was read at the start.
type found struct {
	key    Key
	number uint64
	meta   *Meta
}

// recover brings directory and maps together: what the index names and has a
// file is an object; every other record and every other file is removed. What a
// crash left behind is of the second kind.
func (s *Store) recover() error {
	var records []found
	var damaged []change
	see := func(key Key, record []byte) {
		number, meta, err := decodeRecord(record)
		if err != nil || checkKey(key) != nil {
			damaged = append(damaged, change{key: key})
			return
		}
		records = append(records, found{key, number, meta})
	}
	path := filepath.Join(s.dir, indexName)
	x, err := openIndex(path, see)
	if errors.Is(err, errIndexCorrupt) {
		aside, moveErr := moveAside(path)
		s.log.Error().Err(err).Str("moved_to", aside).Msg("index is corrupt; the store starts empty")
		if moveErr != nil {
			return fmt.Errorf("segstore: open %s: %w", s.dir, moveErr)
		}
		records, damaged = nil, nil
		x, err = openIndex(path, see)
	}
	if err != nil {
		return fmt.Errorf("segstore: open %s: %w", s.dir, err)
	}
	s.index = x
	lost, strays, err := s.adopt(records)
	if err == nil {
		err = x.apply(append(damaged, lost...))
	}
	if err == nil {
		err = syncDir(s.dir)
	}
	if err != nil {
		_ = x.close()
		return fmt.Errorf("segstore: open %s: %w", s.dir, err)
	}
	s.log.Info().Int("objects", len(records)-len(lost)).Int("damaged_records", len(damaged)).
		Int("lost_files", len(lost)).Int("stray_files", strays).Msg("segment store is open")
	return nil
}

// adopt makes objects of the records that have a file, and removes the files
// that have no record.
func (s *Store) adopt(records []found) (lost []change, strays int, err error) {
	files, err := s.listFiles()
	if err != nil {
		return nil, 0, err
	}
	highest := uint64(0)
	for number := range files {
		highest = max(highest, number)
	}
	slices.SortFunc(records, func(a, b found) int { return cmp.Compare(a.number, b.number) })
	for _, r := range records {
		highest = max(highest, r.number)
		if _, there := files[r.number]; !there {
			lost = append(lost, change{key: r.key})
			continue
		}
		delete(files, r.number) // a second record for it is lost
		s.adoptOne(r)
	}
	s.number.Store(highest)
	for _, path := range files {
		if err := os.Remove(path); err != nil {
			s.log.Warn().Err(err).Msg("cannot remove a stray body")
			continue
		}
		strays++
	}
	return lost, strays, nil
}

// adoptOne comes before the store is shared: no mutex is needed.
func (s *Store) adoptOne(r found) {
	o := &object{store: s, key: r.key, pool: s.disk, synced: true}
	o.file = &segFile{store: s, number: r.number}
	r.meta.Rebase(s.opt.Now())
	o.meta.Store(r.meta)
	o.avail.Store(r.meta.Size)
	o.state.Store(complete)
	o.refs.Store(1)
	o.used.Store(nanos(r.meta.Stored))
	s.live.add(r.number)
	s.disk.take(o, r.meta.Size, costOf(r.key, r.meta))
	s.disk.add(o)
	s.shard(r.key).objects[r.key] = o
	s.streams.note(r.meta, 1)
}

// listFiles returns the path of every body below objects under its number. What is
// not named like one is not ours, and stays.
func (s *Store) listFiles() (map[uint64]string, error) {
	files := make(map[uint64]string)
	root := filepath.Join(s.dir, objectsDir)
	dirs, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		if !dir.IsDir() {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(root, dir.Name()))
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			number, ok := numberOf(entry.Name())
			if ok && dirName(number) == dir.Name() {
				files[number] = filepath.Join(root, dir.Name(), entry.Name())
			}
		}
	}
	return files, nil
}

// moveAside keeps a damaged index for whoever wants to know what happened, and
// only the latest few.
func moveAside(path string) (string, error) {
	olds, err := filepath.Glob(filepath.Join(filepath.Dir(path), corruptName+"*"))
	if err != nil {
		return "", err
	}
	highest := 0
	for _, old := range olds {
		if n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(old), corruptName)); err == nil {
			highest = max(highest, n)
		}
	}
	aside := filepath.Join(filepath.Dir(path), corruptName+strconv.Itoa(highest+1))
	if err := os.Rename(path, aside); err != nil {
		return "", err
	}
	_ = os.Remove(filepath.Join(filepath.Dir(path), corruptName+strconv.Itoa(highest+1-corruptsKept)))
	return aside, nil
}
