package files

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// allocate reserves blocks, so that a full disk is known before the first reader
// has seen a byte. A file system that cannot is not an error.
func allocate(f *os.File, size int64) error {
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return err
	}
	return nil
}
