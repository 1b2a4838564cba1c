package files

import (
	"container/list"
	"sync"
	"syscall"
)

const (
	mostIdle     = 4096
	looksPerOpen = 8 // bounds what one opening pays for the descriptors of others
)

// Idle is how many files that nobody uses are left open, of what this process may open.
func Idle() int { return idleFiles(descriptorsAllowed()) }

// idleFiles is how many files that nobody uses are left open where a process may open so
// many of all kinds: the most of them are for connections. It was 4096 at a limit of 4096,
// and an edge that had stored so many objects asked its origin for nothing any more.
func idleFiles(allowed uint64) int {
	return int(max(1, min(mostIdle, allowed/4)))
}

// descriptorsAllowed is how many descriptors this process may have.
func descriptorsAllowed() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 4 * mostIdle
	}
	return uint64(limit.Cur)
}

// descriptors bounds the open files: beyond the limit those that nobody uses are
// closed, oldest first, with a second chance for what was used since the last
// look. Files with open views stay open, so that in an extremity as many are
// open as there are views.
type descriptors struct {
	limit int
	mu    sync.Mutex
	open  list.List // of *File in order of opening; guarded by mu
}

// admit notes that f was opened and closes what is too much. It must not be
// called with f.mu held.
func (d *descriptors) admit(f *File) {
	d.push(f)
	for range looksPerOpen {
		old := d.oldest()
		if old == nil {
			return
		}
		if !old.closeIdle(false) {
			d.push(old)
		}
	}
}

func (d *descriptors) push(f *File) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.place == nil {
		f.place = d.open.PushBack(f)
	}
}

// oldest takes the oldest file out when there are too many.
func (d *descriptors) oldest() *File {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open.Len() <= d.limit {
		return nil
	}
	f := d.open.Remove(d.open.Front()).(*File)
	f.place = nil
	return f
}

func (d *descriptors) forget(f *File) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.place != nil {
		d.open.Remove(f.place)
		f.place = nil
	}
}

// closeIdle closes all that nobody uses.
func (d *descriptors) closeIdle() {
	for {
		d.mu.Lock()
		front := d.open.Front()
		if front == nil {
			d.mu.Unlock()
			return
		}
		f := d.open.Remove(front).(*File)
		f.place = nil
		d.mu.Unlock()
		f.closeIdle(true)
	}
}
