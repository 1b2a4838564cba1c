//go:build linux && !portable

package kernel

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a loop asks most of the system never waits, so Go is not told of it: told of each
// call, and by sendmsg and read in place of sendto and recvfrom, a small response costs
// a tenth more.

// Receive reads what lies in a socket, into a buffer that is not empty: none and no error
// at its end.
func Receive(fd int, b []byte) (int, error) { return receive(fd, b, unix.MSG_DONTWAIT) }

// Unread tells whether something lies in a socket that was not read: bytes, its end, or
// an error.
func Unread(fd int) bool {
	var b [1]byte
	_, err := receive(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err != unix.EAGAIN
}

func receive(fd int, b []byte, flags int) (int, error) {
	n, _, code := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(flags), 0, 0)
	if code != 0 {
		return -1, code
	}
	return int(n), nil
}

// Send writes what the socket takes now; more tells that something follows at once.
func Send(fd int, b []byte, more bool) (int, error) {
	flags := unix.MSG_NOSIGNAL | unix.MSG_DONTWAIT
	if more {
		flags |= unix.MSG_MORE
	}
	n, _, code := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), uintptr(flags), 0, 0)
	if code != 0 {
		return 0, code
	}
	return int(n), nil
}
