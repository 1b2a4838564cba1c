// Package outlet writes to a file that somebody else reads: a pipe to a collector of
// logs, a terminal, a journal's socket.
//
// Always true: whoever reads it may be gone, or stand still for ever, and the writer
// waits no longer than it says. What is written to a pipe are whole lines as long as
// they have at most 4096 bytes; a file on a disk gets all in one piece.
//
// The package starts no goroutine and holds no lock.
package outlet

import (
	"bytes"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrStuck: whoever reads the file takes nothing.
var ErrStuck = errors.New("whoever reads it takes nothing")

// most is what a pipe that has any room takes without waiting (PIPE_BUF, pipe(7)).
const most = 4096

// Write writes p, and waits for at most limit until all of it is taken: ErrStuck then.
// n is how much was.
func Write(f *os.File, p []byte, limit time.Duration) (n int, err error) {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return f.Write(p)
	}
	for end := time.Now().Add(limit); n < len(p); {
		if !room(f, time.Until(end)) {
			return n, ErrStuck
		}
		took, err := f.Write(piece(p[n:]))
		n += took
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// piece is the beginning of p that is written at once: whole lines where it can be.
func piece(p []byte) []byte {
	if len(p) <= most {
		return p
	}
	if i := bytes.LastIndexByte(p[:most], '\n'); i >= 0 {
		return p[:i+1]
	}
	return p[:most]
}

// room waits until f takes something, or says at once that it never will: that is
// the writer's to hear.
func room(f *os.File, limit time.Duration) bool {
	ready := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLOUT}}
	for {
		n, err := unix.Poll(ready, int(max(limit, 0).Milliseconds()))
		if err != unix.EINTR {
			return err != nil || n > 0
		}
	}
}
