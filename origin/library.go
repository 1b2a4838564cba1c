package origin

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"tandem/internal/media"
	"tandem/origin/ingest"
)

// Why there is no object; statusOf makes answers of them.
var (
	errNotFound = errors.New("not found")
	errNotYet   = errors.New("not yet available")
	errGone     = errors.New("no longer available")
)

// library is what is stored: the sample, and the media directory.
type library struct {
	root   *os.Root // nil: there is no media directory
	sample fs.FS    // nil: not served
}

func openLibrary(c Config) (*library, error) {
	l := &library{}
	if c.Sample {
		l.sample = Sample()
	}
	if c.Media == "" {
		return l, nil
	}
	root, err := os.OpenRoot(c.Media)
	if err != nil {
		return nil, fmt.Errorf("--media: %w; give a directory that exists", err)
	}
	l.root = root
	return l, nil
}

func (l *library) close() error {
	if l.root == nil {
		return nil
	}
	return l.root.Close()
}

// stored is an open object. Its bytes stay what they are: whoever replaces the
// object puts another file in its place.
type stored struct {
	io.ReadSeeker
	io.Closer
	key factKey
	at  time.Time // of its last change, zero: unknown
}

// open opens the object at a URL path.
func (l *library) open(path string) (*stored, error) {
	name, ok := strings.CutPrefix(path, "/")
	if !ok || !ingest.Shown(name) {
		return nil, errNotFound
	}
	f, err := l.file(name)
	if err != nil {
		return nil, absent(err)
	}
	stat, err := f.Stat()
	seeker, seekable := f.(io.ReadSeeker)
	if err != nil || !stat.Mode().IsRegular() || !seekable {
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return nil, errNotFound
	}
	s := &stored{ReadSeeker: seeker, Closer: f, at: stat.ModTime()}
	s.key = factKey{path: path, size: stat.Size(), changed: stat.ModTime().UnixNano()}
	if sys, ok := stat.Sys().(*syscall.Stat_t); ok {
		s.key.inode = sys.Ino
	}
	return s, nil
}

func (l *library) file(name string) (fs.File, error) {
	if below, ok := strings.CutPrefix(name, sampleName+"/"); ok && l.sample != nil {
		return l.sample.Open(below)
	}
	if l.root == nil {
		return nil, fs.ErrNotExist
	}
	// O_NONBLOCK: a FIFO among the files must not hold the request.
	return l.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// absent makes errNotFound of everything that a name alone can cause.
func absent(err error) error {
	var pathError *fs.PathError
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, fs.ErrPermission) {
		return errNotFound
	}
	if errors.As(err, &pathError) {
		switch {
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.EIO), errors.Is(err, syscall.ENOMEM):
			return err
		}
		return errNotFound // ENOTDIR, ELOOP, ENAMETOOLONG, a path that escapes
	}
	return err
}

// read reads a whole object of at most limit bytes.
func (l *library) read(path string, limit int64) ([]byte, error) {
	s, err := l.open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer s.Close()
	if s.key.size > limit {
		return nil, fmt.Errorf("%s: %d bytes, at most %d", path, s.key.size, limit)
	}
	return io.ReadAll(s)
}

// manifest reads a stored playlist or MPD.
func (l *library) manifest(path string) (*media.Manifest, error) {
	body, err := l.read(path, media.DefaultLimit)
	if err != nil {
		return nil, err
	}
	return media.Parse(body, media.Site{Origin: media.Unnamed(), Target: path})
}

// folder lists a folder of the library; "" is the root.
func (l *library) folder(name string) ([]fs.DirEntry, error) {
	if name == sampleName && l.sample != nil {
		return fs.ReadDir(l.sample, ".")
	}
	if below, ok := strings.CutPrefix(name, sampleName+"/"); ok && l.sample != nil {
		return fs.ReadDir(l.sample, below)
	}
	if l.root == nil {
		return nil, fs.ErrNotExist
	}
	if name == "" {
		name = "."
	}
	return fs.ReadDir(l.root.FS(), name)
}
