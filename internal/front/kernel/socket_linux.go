//go:build linux && !portable

package kernel

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Accept takes a connection that does not wait and that no child inherits.
func Accept(listener int) (int, unix.Sockaddr, error) {
	return unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
}

// probeEvery is for how long nothing may come before the kernel asks whether the
// other end is still there, and then how often, in seconds: Go's own default.
const probeEvery = 15

// BoundQueue bounds the bytes that lie in the kernel for a client which could not be
// sent to it yet. What is on its way is not bounded by it, so whoever takes what he is
// sent loses no speed. (A listener's own bound is not that of its connections where it
// speaks MPTCP.)
func BoundQueue(fd, bytes int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, bytes)
}

// HoldReceived keeps what the kernel holds of what a socket has received, and nobody has
// read, at what it is: 64 KB at first, as a rule. Else it may grow as the reader reads, to
// megabytes, and does not shrink when the reader stops. The socket connects already. Where
// the kernel can't (before Linux 5.16) it grows.
func HoldReceived(fd int, yes bool) {
	hold := 0
	if yes {
		hold = unix.SOCK_RCVBUF_LOCK
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BUF_LOCK, hold)
}

// ProbeSilent makes the kernel ask so on all connections that come by a listener.
func ProbeSilent(listener int) {
	_ = unix.SetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	_ = unix.SetsockoptInt(listener, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, probeEvery)
	_ = unix.SetsockoptInt(listener, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, probeEvery)
}

// Connect begins to connect to an address. A connection that is there at once is told of
// as any other: writable. received is for BoundReceived.
func Connect(to netip.AddrPort, received int) (fd int, err error) {
	family, addr := sockaddrOf(to)
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, SystemError("socket", err)
	}
	BoundReceived(fd, received)
	return fd, connect(fd, addr)
}

// SendFile writes what the socket takes now of a part of a file.
func SendFile(fd int, file *os.File, offset int64, n int) (int, error) {
	return unix.Sendfile(fd, int(file.Fd()), &offset, n)
}

// ReadNow is pread of what is in memory: less when the disk would have to be
// waited for.
func ReadNow(file *os.File, b []byte, offset int64) (int, error) {
	n, err := unix.Preadv2(int(file.Fd()), [][]byte{b}, offset, unix.RWF_NOWAIT)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return unix.Pread(int(file.Fd()), b, offset) // a file system that is memory
	}
	return n, err
}

// InMemory tells whether the byte at offset is.
func InMemory(file *os.File, offset int64) bool {
	var b [1]byte
	n, err := unix.Preadv2(int(file.Fd()), [][]byte{b[:]}, offset, unix.RWF_NOWAIT)
	return n == 1 || errors.Is(err, syscall.EOPNOTSUPP)
}

// Progress is how many bytes the other side has acknowledged, and how many wait
// for that.
func Progress(fd int) (acked uint64, waiting int, ok bool) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, 0, false
	}
	waiting, err = unix.IoctlGetInt(fd, unix.TIOCOUTQ)
	return info.Bytes_acked, waiting, err == nil
}

// Held is how much memory the kernel has for a socket, in bytes: for what was received
// and not read, and for what was not sent or not acknowledged.
func Held(fd int) int64 {
	var info [9]uint32 // linux/sock_diag.h: SK_MEMINFO_*
	size := uint32(unsafe.Sizeof(info))
	_, _, code := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if code != 0 {
		return 0
	}
	const received, queued = 0, 5 // RMEM_ALLOC, WMEM_QUEUED
	return int64(info[received]) + int64(info[queued])
}

// MemoryOfTCP is at how many bytes the kernel begins to press its connections, all those of
// the machine; 0: unknown.
func MemoryOfTCP() int64 {
	var low, pressure int64
	text, err := os.ReadFile("/proc/sys/net/ipv4/tcp_mem")
	if err != nil {
		return 0
	}
	if n, _ := fmt.Sscan(string(text), &low, &pressure); n < 2 {
		return 0
	}
	return pressure * int64(os.Getpagesize())
}

// tcpClosed is TCP_CLOSE of the kernel's tcp_states.h: reset, or given up.
const tcpClosed = 7

// Received is how many bytes lie in a socket and were not read.
func Received(fd int) int {
	n, _ := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return n
}

// Reception is the time since the kernel last received bytes, and whether the
// connection is dead.
func Reception(fd int) (silent time.Duration, dead bool) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, true
	}
	return time.Duration(info.Last_data_recv) * time.Millisecond, info.State == tcpClosed
}

// Pipe is where bytes are on their way from one socket to another without passing
// through this process.
type Pipe struct {
	r, w int
	held int // bytes in it
}

// pipeSize is how much a pipe is asked to hold, in bytes; the kernel may give less
// to a process without privilege.
const pipeSize = 1 << 20

// OpenPipe opens an empty one. An error: bytes have to be copied.
func OpenPipe() (*Pipe, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
		return nil, SystemError("pipe2", err)
	}
	_, _ = unix.FcntlInt(uintptr(ends[0]), unix.F_SETPIPE_SZ, pipeSize)
	return &Pipe{r: ends[0], w: ends[1]}, nil
}

// Fill moves up to n bytes from a socket into the pipe: none at the socket's end.
func (p *Pipe) Fill(from, n int) (int, error) {
	moved, err := unix.Splice(from, nil, p.w, nil, n, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
	if err != nil {
		return 0, err
	}
	p.held += int(moved)
	return int(moved), nil
}

// Held is how many bytes are in it.
func (p *Pipe) Held() int { return p.held }

// Drain moves bytes on to a socket, as many as it takes now.
func (p *Pipe) Drain(to int, more bool) (int, error) {
	flags := unix.SPLICE_F_NONBLOCK | unix.SPLICE_F_MOVE
	if more {
		flags |= unix.SPLICE_F_MORE
	}
	moved, err := unix.Splice(p.r, nil, to, nil, p.held, flags)
	switch {
	case err != nil:
		return 0, err
	case moved == 0:
		return 0, SystemError("splice", syscall.EPIPE)
	}
	p.held -= int(moved)
	return int(moved), nil
}

// Close throws away what is in it.
func (p *Pipe) Close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}
