package member

import (
	"os"

	"golang.org/x/sys/unix"
)

// readAhead lets the kernel bring a part of a file into memory, and does not wait
// for it. A length of 0 is all that follows.
func readAhead(file *os.File, first, length int64) {
	_ = unix.Fadvise(int(file.Fd()), first, length, unix.FADV_WILLNEED)
}
