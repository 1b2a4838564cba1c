package files

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"
)

const (
	below       = "objects"
	suffix      = ".seg"
	filesInTurn = 64 // neighbours in time share a directory, so that a batch syncs few
	directories = 256
)

// ErrClosed is for who comes after Close.
var ErrClosed = errors.New("segstore: store is closed")

// Config is what a Dir needs to know.
type Config struct {
	Path   string                   // the store's directory
	Open   int                      // descriptors that nobody uses, at most
	Fault  func(point string) error // asked before each system call whether to fail; nil: none does
	Logger zerolog.Logger
}

// Dir is the directory of the bodies.
type Dir struct {
	config      Config
	descriptors descriptors
	owned       numbers
	number      atomic.Uint64 // of the youngest file
	newDirs     atomic.Bool   // a directory was made and not yet synced
	closing     atomic.Bool   // descriptors are closed when nobody uses them any more
	writable    writable
	lock        *os.File // set by Lock

	mu   sync.RWMutex // held for writing while the directory is let go
	gone bool         // guarded by mu; the directory may be another's
}

// New is the directory of a store; it is made by Make.
func New(c Config) *Dir {
	return &Dir{config: c, descriptors: descriptors{limit: c.Open}, owned: numbers{set: make(map[uint64]struct{})}}
}

// Make makes the directory if it is missing.
func Make(path string) error { return os.MkdirAll(filepath.Join(path, below), 0o700) }

func (d *Dir) fault(point string) error {
	if d.config.Fault == nil {
		return nil
	}
	return d.config.Fault(point)
}

// In is the name of the directory in which a file lies, Name that of the file.
func In(number uint64) string { return fmt.Sprintf("%02x", number/filesInTurn%directories) }

// Name is the name of a file.
func Name(number uint64) string { return fmt.Sprintf("%012x%s", number, suffix) }

// Path is where a file of a store's directory lies.
func Path(dir string, number uint64) string {
	return filepath.Join(dir, below, In(number), Name(number))
}

// numberOf is the inverse of Name.
func numberOf(name string) (uint64, bool) {
	hex, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(hex, 16, 64)
	return number, err == nil && Name(number) == name
}

// List returns the path of every body under its number. What is not named like one is not
// ours, and stays.
func (d *Dir) List() (map[uint64]string, error) {
	list := make(map[uint64]string)
	root := filepath.Join(d.config.Path, below)
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
			if ok && In(number) == dir.Name() {
				list[number] = filepath.Join(root, dir.Name(), entry.Name())
			}
		}
	}
	return list, nil
}

// Adopt is a file that was there at the start, owned from now on; numbers up to
// its own are given away no more.
func (d *Dir) Adopt(number uint64) *File {
	d.owned.add(number)
	return &File{dir: d, number: number}
}

// Given says which number was given away last, whether its file is there or not.
func (d *Dir) Given(number uint64) { d.number.Store(number) }

// Owned tells whether somebody may hold a file.
func (d *Dir) Owned(number uint64) bool { return d.owned.has(number) }

// Count is how many files are owned.
func (d *Dir) Count() int { return d.owned.len() }

// Create makes the file of a new body, pinned for its writer, with room for size bytes;
// 0: it is not known how many.
func (d *Dir) Create(size int64) (*File, error) {
	f, err := d.create(size)
	if err != nil {
		d.Failed(err)
	}
	return f, err
}

func (d *Dir) create(size int64) (*File, error) {
	f := &File{dir: d, number: d.number.Add(1), pins: 1}
	if err := d.fault("create"); err != nil {
		return nil, err
	}
	d.owned.add(f.number) // before the file exists, or a check takes it for a stray
	file, err := d.openNew(f)
	if err != nil {
		d.owned.drop(f.number)
		return nil, err
	}
	f.file = file
	if err = d.fault("allocate"); err == nil && size > 0 {
		err = allocate(file, size)
	}
	if err != nil {
		f.Unpin()
		_ = f.Remove()
		return nil, err
	}
	d.descriptors.admit(f)
	return f, nil
}

func (d *Dir) openNew(f *File) (*os.File, error) {
	const flags = os.O_RDWR | os.O_CREATE | os.O_EXCL
	file, err := os.OpenFile(f.path(), flags, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	if err := os.MkdirAll(f.Dir(), 0o700); err != nil {
		return nil, err
	}
	d.newDirs.Store(true)
	return os.OpenFile(f.path(), flags, 0o600)
}

// Sync makes entries of the directories of files durable (File.Dir).
func (d *Dir) Sync(dirs map[string]struct{}) error {
	if len(dirs) == 0 {
		return nil
	}
	if err := d.fault("dirsync"); err != nil {
		return err
	}
	for dir := range dirs {
		if err := Sync(dir); err != nil {
			return err
		}
	}
	if d.newDirs.Swap(false) {
		if err := Sync(filepath.Join(d.config.Path, below)); err != nil {
			d.newDirs.Store(true)
			return err
		}
	}
	return nil
}

// Sync makes the entries of a directory durable.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// CloseIdle closes the descriptors that nobody uses.
func (d *Dir) CloseIdle() { d.descriptors.closeIdle() }

// Closing has descriptors closed as soon as nobody uses them any more.
func (d *Dir) Closing() { d.closing.Store(true) }

// Close lets the directory go, once nobody is at a file; the rest of what is in it is closed
// by last, before others may have it. Files that are pinned stay open until they are unpinned.
func (d *Dir) Close(last func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = true
	d.CloseIdle()
	return cmp.Or(last(), d.Unlock())
}
