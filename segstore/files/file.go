package files

import (
	"container/list"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// File is a body on disk, and the one descriptor that all its readers share.
type File struct {
	dir    *Dir
	number uint64
	mu     sync.Mutex
	file   *os.File // guarded by mu; nil: not open
	pins   int      // guarded by mu; users of file
	recent bool     // guarded by mu; was used since the descriptors looked

	place *list.Element // guarded by descriptors.mu; nil: not among the open ones
}

// Number is the file's.
func (f *File) Number() uint64 { return f.number }

// Dir is the directory whose entry it is, for Dir.Sync.
func (f *File) Dir() string { return filepath.Join(f.dir.config.Path, below, In(f.number)) }

func (f *File) path() string { return Path(f.dir.config.Path, f.number) }

// Remove ends a body that nobody holds. After Close it is left to the next
// start, which may have given its number away.
func (f *File) Remove() (removed bool) {
	d := f.dir
	f.close()
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.gone {
		return true
	}
	err := d.fault("remove")
	if err == nil {
		err = os.Remove(f.path())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.config.Logger.Warn().Err(err).Uint64("file", f.number).Msg("cannot remove a body; the next start will")
		return false
	}
	d.owned.drop(f.number)
	return true
}

// Pin returns the open file and keeps it open until Unpin.
func (f *File) Pin() (*os.File, error) {
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
		f.dir.descriptors.admit(f)
	}
	return file, nil
}

// open is called with mu held.
func (f *File) open() error {
	f.dir.mu.RLock()
	defer f.dir.mu.RUnlock()
	if f.dir.gone {
		return ErrClosed
	}
	if err := f.dir.fault("open"); err != nil {
		return err
	}
	file, err := os.OpenFile(f.path(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	f.file = file
	return nil
}

func (f *File) Unpin() {
	f.mu.Lock()
	f.pins--
	last := f.pins == 0
	f.mu.Unlock()
	if last && f.dir.closing.Load() {
		f.closeIdle(true)
	}
}

// ReadAt reads through a descriptor that the caller has pinned.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	file := f.file
	f.mu.Unlock()
	return file.ReadAt(p, off)
}

// WriteAt writes through the descriptor that Create has pinned.
func (f *File) WriteAt(p []byte, off int64) error {
	f.mu.Lock()
	file := f.file
	f.mu.Unlock()
	_, err := file.WriteAt(p, off)
	return err
}

// closeIdle closes the descriptor unless somebody uses it, or used it since the
// last look; true: it is closed.
func (f *File) closeIdle(even bool) bool {
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
func (f *File) close() {
	f.dir.descriptors.forget(f)
	f.closeIdle(true)
}
