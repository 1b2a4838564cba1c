package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrLocked says that another process has the directory open.
var ErrLocked = errors.New("in use by another process, which is another edge's, or was told to stop and may take its --drain-time")

// lockName is the file whose lock says who has a directory.
const lockName = "lock"

// Lock makes this process the only one that has the store's directory open; the lock ends
// with the process, however it ends. It comes before all else.
func (d *Dir) Lock() (err error) {
	d.lock, err = lock(d.config.Path)
	return err
}

// Unlock lets others have the directory.
func (d *Dir) Unlock() error { return d.lock.Close() }

func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s is %w", dir, ErrLocked)
	}
	return nil, fmt.Errorf("segstore: lock %s: %w", dir, err)
}
