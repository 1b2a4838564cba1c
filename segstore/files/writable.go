package files

import (
	"context"
	"errors"
	"io/fs"
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
	mu   sync.Mutex
	why  error // guarded by mu; the latest failure, nil: it can
	good int   // guarded by mu; probes that went well since then
}

// Unwritable is why what comes can't be kept on the disk, nil where it can. What is
// there is read all the same.
func (d *Dir) Unwritable() error {
	d.writable.mu.Lock()
	defer d.writable.mu.Unlock()
	return d.writable.why
}

// Failed notes a write that the disk refused, as the system says it, without names
// of files.
func (d *Dir) Failed(err error) {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	w := &d.writable
	w.mu.Lock()
	w.why, w.good = err, 0
	w.mu.Unlock()
}

// went notes a probe that went well.
func (w *writable) went() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.good++; w.good >= goodProbes {
		w.why = nil
	}
}

// Watch tries a disk that failed until it is good again, and sees to it that the directory is
// the one that was opened, until ctx ends.
func (d *Dir) Watch(ctx context.Context) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		failed := d.Unwritable()
		gone := d.displaced()
		switch {
		case gone != nil:
			if !errors.Is(failed, gone) {
				d.config.Logger.Error().Str("dir", d.config.Path).Msg("the store's directory was removed, or is another one now: what comes is lost with the next start")
			}
			d.Failed(gone)
		case failed == nil:
		default:
			if err := d.probe(); err != nil {
				d.Failed(err)
			} else {
				d.writable.went()
			}
		}
	}
}

// displaced is ENOENT where the directory was removed, or something else is where it was: the index
// is written to a file without a name then, and nothing keeps another process out.
func (d *Dir) displaced() error {
	own, err := d.lock.Stat()
	if err != nil {
		return nil // it was closed
	}
	if there, err := os.Stat(filepath.Join(d.config.Path, lockName)); err == nil && os.SameFile(own, there) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil // what else is wrong with the disk shows when it is written
	}
	return syscall.ENOENT
}

// probe writes as much as a small segment has, and removes it.
func (d *Dir) probe() error {
	if err := d.fault("create"); err != nil {
		return err
	}
	name := filepath.Join(d.config.Path, "probe")
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, probeBytes))
	err = errors.Join(err, file.Sync(), file.Close(), os.Remove(name))
	return err
}
