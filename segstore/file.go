package segstore

import (
	"container/list"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

const (
	objectsDir  = "objects"
	fileSuffix  = ".seg"
	filesInTurn = 64 // neighbours in time share a directory, so that a batch syncs few
	directories = 256
)

// segFile is a body on disk, and the one descriptor that all its readers share.
type segFile struct {
	store  *Store
	number uint64
	mu     sync.Mutex
	file   *os.File // guarded by mu; nil: not open
	pins   int      // guarded by mu; users of file
	recent bool     // guarded by mu; was used since the descriptors looked

	place *list.Element // guarded by descriptors.mu; nil: not among the open ones
}

func dirName(number uint64) string {
	return fmt.Sprintf("%02x", number/filesInTurn%directories)
}

func fileName(number uint64) string { return fmt.Sprintf("%012x%s", number, fileSuffix) }

// numberOf is the inverse of fileName.
func numberOf(name string) (uint64, bool) {
	hex, ok := strings.CutSuffix(name, fileSuffix)
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(hex, 16, 64)
	return number, err == nil && fileName(number) == name
}

func (f *segFile) dir() string {
	return filepath.Join(f.store.dir, objectsDir, dirName(f.number))
}

func (f *segFile) path() string { return filepath.Join(f.dir(), fileName(f.number)) }

// createFile makes the file of a new body, pinned for its writer.
func (s *Store) createFile(size int64) (*segFile, error) {
	f, err := s.tryFile(size)
	if err != nil {
		s.writable.failed(err)
	}
	return f, err
}

func (s *Store) tryFile(size int64) (*segFile, error) {
	f := &segFile{store: s, number: s.number.Add(1), pins: 1}
	if err := s.fault("create"); err != nil {
		return nil, err
	}
	s.live.add(f.number) // before the file exists, or Check takes it for a stray
	file, err := s.openNew(f)
	if err != nil {
		s.live.drop(f.number)
		return nil, err
	}
	f.file = file
	if err = s.fault("allocate"); err == nil && size > 0 {
		err = allocate(file, size)
	}
	if err != nil {
		f.unpin()
		_ = s.removeFile(f)
		return nil, err
	}
	s.descriptors.admit(f)
	return f, nil
}

func (s *Store) openNew(f *segFile) (*os.File, error) {
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	file, err := os.OpenFile(f.path(), flags, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	if err := os.MkdirAll(f.dir(), 0o700); err != nil {
		return nil, err
	}
	s.newDirs.Store(true)
	return os.OpenFile(f.path(), flags, 0o600)
}

// removeFile ends a body that nobody holds. After Close it is left to the next
// Open, which may have given its number away.
func (s *Store) removeFile(f *segFile) (removed bool) {
	f.close()
	s.dirMu.RLock()
	defer s.dirMu.RUnlock()
	if s.gone {
		return true
	}
	err := s.fault("remove")
	if err == nil {
		err = os.Remove(f.path())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn().Err(err).Uint64("file", f.number).Msg("cannot remove a body; the next start will")
		return false
	}
	s.live.drop(f.number)
	return true
}

// pin returns the open file and keeps it open until unpin.
func (f *segFile) pin() (*os.File, error) {
	f.mu.Lock()
	f.recent = true
	opened := f.file == nil
	if opened {
		// Under mu, so that a hundred readers of one file open it once.
		if err := f.open(); err != nil {
			f.mu.Unlock()
			return nil, err
		}
	}
	f.pins++
	file := f.file
	f.mu.Unlock()
	if opened {
		f.store.descriptors.admit(f)
	}
	return file, nil
}

// open is called with mu held.
func (f *segFile) open() error {
	f.store.dirMu.RLock()
	defer f.store.dirMu.RUnlock()
	if f.store.gone {
		return ErrClosed
	}
	if err := f.store.fault("open"); err != nil {
		return err
	}
	file, err := os.OpenFile(f.path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	f.file = file
	return nil
}

func (f *segFile) unpin() {
	f.mu.Lock()
	f.pins--
	last := f.pins == 0
	f.mu.Unlock()
	if last && f.store.closed.Load() {
		f.closeIdle(true)
	}
}

// readAt reads through a descriptor that the caller has pinned.
func (f *segFile) readAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	file := f.file
	f.mu.Unlock()
	return file.ReadAt(p, off)
}

// writeAt writes through the descriptor that createFile has pinned.
func (f *segFile) writeAt(p []byte, off int64) error {
	f.mu.Lock()
	file := f.file
	f.mu.Unlock()
	_, err := file.WriteAt(p, off)
	return err
}

// closeIdle closes the descriptor unless somebody uses it, or used it since the
// last look; true: it is closed.
func (f *segFile) closeIdle(even bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return true
	}
	if f.pins > 0 || f.recent && !even {
		f.recent = false
		return false
	}
	_ = f.file.Close() // what matters was synced
	f.file = nil
	return true
}

// close is closeIdle for a body that nobody holds.
func (f *segFile) close() {
	f.store.descriptors.forget(f)
	f.closeIdle(true)
}
