package member

import (
	"os"

	"golang.org/x/sys/unix"
)

// readAhead lets the kernel bring a file into memory, and does not wait for it.
func readAhead(file *os.File) { _ = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_WILLNEED) }
