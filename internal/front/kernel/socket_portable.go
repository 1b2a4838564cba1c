//go:build !linux || portable

package kernel

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Accept takes a connection that does not wait and that no child inherits.
func Accept(listener int) (int, unix.Sockaddr, error) {
	fd, from, err := unix.Accept(listener)
	if err != nil {
		return -1, nil, err
	}
	unix.CloseOnExec(fd)
	return fd, from, unix.SetNonblock(fd, true)
}

// BoundQueue is what other systems' Send buffers are by themselves.
func BoundQueue(int, int) {}

// HoldReceived is for Linux alone.
func HoldReceived(int, bool) {}

// ReserveDescriptors is for Linux alone.
func ReserveDescriptors() {}

// ProbeSilent makes the kernel ask on all connections that come by a listener whether
// the other end is still there, when nothing has come for long.
func ProbeSilent(listener int) {
	_ = unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
}

// Connect begins to connect to an address. A connection that is there at once is told of
// as any other: writable. received is for BoundReceived.
func Connect(to netip.AddrPort, received int) (fd int, err error) {
	family, addr := sockaddrOf(to)
	fd, err = unix.Socket(family, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, SystemError("socket", err)
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return -1, SystemError("fcntl", err)
	}
	BoundReceived(fd, received)
	return fd, connect(fd, addr)
}

// Receive reads what lies in a socket: none and no error at its end.
func Receive(fd int, b []byte) (int, error) { return unix.Read(fd, b) }

// Unread tells whether something lies in a socket that was not read: bytes, its end, or
// an error.
func Unread(fd int) bool {
	var b [1]byte
	_, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return !errors.Is(err, syscall.EAGAIN)
}

// Send writes what the socket takes now.
func Send(fd int, b []byte, _ bool) (int, error) { return unix.Write(fd, b) }

// SendFile writes what the socket takes now of a part of a file.
func SendFile(fd int, file *os.File, offset int64, n int) (int, error) {
	b := make([]byte, min(n, 64<<10))
	got, err := unix.Pread(int(file.Fd()), b, offset)
	switch {
	case err != nil:
		return 0, err
	case got == 0:
		return 0, io.ErrUnexpectedEOF
	}
	return unix.Write(fd, b[:got])
}

// ReadNow is pread: what the disk is waited for can't be told here.
func ReadNow(file *os.File, b []byte, offset int64) (int, error) {
	return unix.Pread(int(file.Fd()), b, offset)
}

func InMemory(*os.File, int64) bool { return true }

// Progress is not known here: nobody is cut off for being slow.
func Progress(int) (acked uint64, waiting int, ok bool) { return 0, 0, false }

// Received is not known here: bytes are copied.
func Received(int) int { return 0 }

// Held is not known here: nothing is bounded by it.
func Held(int) int64 { return 0 }

// MemoryOfTCP is not known here.
func MemoryOfTCP() int64 { return 0 }

// Reception is not known here: a silence is counted from when it was noticed.
func Reception(fd int) (silent time.Duration, dead bool) {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	return 0, err != nil || code != 0
}

// Pipe is for Linux alone: elsewhere bytes are copied.
type Pipe struct{}

// OpenPipe is always an error here.
func OpenPipe() (*Pipe, error) { return nil, errors.ErrUnsupported }

// Fill is never called.
func (p *Pipe) Fill(int, int) (int, error) { return 0, errors.ErrUnsupported }

// Held is nothing.
func (p *Pipe) Held() int { return 0 }

func (p *Pipe) Drain(int, bool) (int, error) { return 0, errors.ErrUnsupported }

// Close is never called.
func (p *Pipe) Close() {}
