package ingest

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"sync"
	"syscall"
	"time"
)

// pushBuffers are what bodies pass through: many pushes run at once and wait.
var pushBuffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// store takes one object in.
func (in *Ingest) store(w http.ResponseWriter, r *http.Request, at *point) (created bool, err error) {
	name, err := in.place(r.URL.Path)
	limit := in.config.MaxObject
	switch {
	case err != nil:
		return false, err
	case r.Header.Get("Content-Range") != "":
		return false, errPart
	case r.Header.Get("Content-Encoding") != "" && r.Header.Get("Content-Encoding") != "identity":
		return false, errCoded
	case r.ContentLength > limit:
		return false, &http.MaxBytesError{Limit: limit}
	case !at.fits(r.ContentLength):
		return false, errQuota
	case !at.enter():
		return false, errBusy
	}
	defer at.leave()
	p, err := in.begin(name, r.ContentLength)
	if err != nil {
		return false, full(err)
	}
	defer p.LetGo()
	defer in.end(p)
	n, err := in.copy(w, r, p, at)
	in.config.Counts.Bytes(n)
	if err == nil {
		created, err = in.show(p, at)
	}
	if err != nil {
		at.settles(n, 0)
		_ = in.config.Root.Remove(p.temporary) // clear removes it when this fails
	}
	p.end(err)
	return created, err
}

// copy reads the body into the push.
func (in *Ingest) copy(w http.ResponseWriter, r *http.Request, p *Push, at *point) (int64, error) {
	control := http.NewResponseController(w)
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	body := &bodyReader{http.MaxBytesReader(w, r.Body, in.config.MaxObject), control, in.config.Idle}
	buffer := pushBuffers.Get().(*[16 << 10]byte)
	defer pushBuffers.Put(buffer)
	for total := int64(0); ; {
		n, err := body.Read(buffer[:])
		if n > 0 {
			if !at.comes(int64(n)) {
				return total, errQuota
			}
			total += int64(n)
			if _, err := p.Write(buffer[:n]); err != nil {
				return total, full(err)
			}
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// begin gives a push its number, and its place among those of its name.
func (in *Ingest) begin(name string, size int64) (*Push, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.running >= in.config.MaxPushes {
		return nil, errBusy
	}
	p, err := newPush(in.config.Root, name, size)
	if err != nil {
		return nil, err
	}
	if in.under[name] == nil {
		in.under[name] = &queue{}
	}
	in.begun++
	in.running++
	p.number, p.caching = in.begun, in.Caching("/"+name)
	in.under[name].pushes = append(in.under[name].pushes, p)
	in.config.Counts.Running(1)
	return p, nil
}

func (in *Ingest) end(p *Push) {
	in.mu.Lock()
	defer in.mu.Unlock()
	q := in.under[p.name]
	q.pushes = slices.DeleteFunc(q.pushes, func(other *Push) bool { return other == p })
	if len(q.pushes) == 0 {
		delete(in.under, p.name)
	}
	in.running--
	in.config.Counts.Running(-1)
}

// show puts a finished push in its place, unless a later one is there.
func (in *Ingest) show(p *Push, at *point) (created bool, err error) {
	root := in.config.Root
	in.mu.Lock()
	defer in.mu.Unlock()
	q := in.under[p.name]
	if q.shown > p.number {
		at.settles(p.written, 0)
		return false, root.Remove(p.temporary)
	}
	if err := root.MkdirAll(path.Dir(p.name), 0o755); err != nil {
		return false, collision(full(err))
	}
	old, err := root.Stat(p.name)
	created = errors.Is(err, fs.ErrNotExist)
	if err := root.Rename(p.temporary, p.name); err != nil {
		return false, collision(full(err))
	}
	q.shown = p.number
	more := p.written
	if old != nil {
		more -= old.Size()
	}
	at.settles(p.written, more)
	in.config.Known("/"+p.name, [sha256.Size]byte(p.sum.Sum(nil)))
	return created, nil
}

// collision makes errTaken of what a folder with an object's name causes.
func collision(err error) error {
	if errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EEXIST) || errors.Is(err, syscall.ENOTEMPTY) {
		return errTaken
	}
	return err
}

// full makes errNoRoom of a disk that is.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errNoRoom
	}
	return err
}
