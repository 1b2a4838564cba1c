package segstore

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// How a disk that could not be written is tried again: it counts as good when
// nothing has failed for goodProbes tries in a row, since a store that makes room
// for one object may fail at the next.
const (
	probeEvery = time.Second
	probeBytes = 256 << 10
	goodProbes = 5
)

// writable is whether what comes can be written to the disk, by the latest tries.
type writable struct {
	mu    sync.Mutex
	why   error // guarded by mu; the latest failure, nil: it can
	good  int   // guarded by mu; probes that went well since then
	wake  chan struct{}
	ended chan struct{}
}

// Unwritable is why what comes can't be kept on the disk, nil where it can. What is
// there is read all the same.
func (s *Store) Unwritable() error {
	s.writable.mu.Lock()
	defer s.writable.mu.Unlock()
	return s.writable.why
}

// failed notes a write that the disk refused, as the system says it, without names
// of files.
func (w *writable) failed(err error) {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	w.mu.Lock()
	w.why, w.good = err, 0
	w.mu.Unlock()
	poke(w.wake)
}

// went notes a probe that went well.
func (w *writable) went() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.good++; w.good >= goodProbes {
		w.why = nil
	}
}

// watch tries a disk that failed until it is good again.
func (s *Store) watch() {
	defer close(s.writable.ended)
	for {
		select {
		case <-s.writable.wake:
		case <-s.ctx.Done():
			return
		}
		for s.Unwritable() != nil {
			select {
			case <-time.After(probeEvery):
			case <-s.ctx.Done():
				return
			}
			if err := s.probe(); err != nil {
				s.writable.failed(err)
			} else {
				s.writable.went()
			}
		}
	}
}

// probe writes as much as a small segment has, and removes it.
func (s *Store) probe() error {
	if err := s.fault("create"); err != nil {
		return err
	}
	name := filepath.Join(s.dir, "probe")
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, probeBytes))
	err = errors.Join(err, file.Sync(), file.Close(), os.Remove(name))
	return err
}
