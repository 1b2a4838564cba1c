package prefetch

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// populate maps the bytes and has the kernel read them.
func populate(file *os.File, first, end int64) error {
	first -= first % int64(os.Getpagesize())
	b, err := unix.Mmap(int(file.Fd()), first, int(end-first), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	return errors.Join(unix.Madvise(b, unix.MADV_POPULATE_READ), unix.Munmap(b))
}
