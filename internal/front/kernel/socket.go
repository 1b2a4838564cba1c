package kernel

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// AddressOf is an accepted connection's other end; IPv4 as such.
func AddressOf(from unix.Sockaddr) netip.AddrPort {
	switch a := from.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	default:
		return netip.AddrPort{}
	}
}

func sockaddrOf(a netip.AddrPort) (int, unix.Sockaddr) {
	if a.Addr().Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// BoundReceived bounds the bytes that lie in the kernel and were not read yet, on a
// socket that is not connected yet; 0: what the system likes.
func BoundReceived(fd, bytes int) {
	if bytes > 0 {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, bytes/2) // Linux doubles it
	}
}

// HeldMost is a bound of what is held (budget.Held): of 0, half of what the kernel lets all connections
// of the machine have before it presses them.
func HeldMost(set int64) int64 {
	if set == 0 {
		return MemoryOfTCP() / 2
	}
	return set
}

// connect begins to connect a socket, and closes it when that can't be begun.
func connect(fd int, to unix.Sockaddr) error {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	err := unix.Connect(fd, to)
	if err == nil || errors.Is(err, syscall.EINPROGRESS) {
		return nil
	}
	_ = unix.Close(fd)
	return SystemError("connect", err)
}

// Connected is how connecting ended.
func Connected(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = syscall.Errno(code)
	}
	return SystemError("connect", err)
}

// Ended tells whether the other side has said that it sends no more, and nothing else is
// to be read before that.
func Ended(fd int) bool {
	var b [1]byte
	n, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return n == 0 && err == nil
}

// Writable tells whether a socket has room, or connecting has ended, well or not.
func Writable(fd int) bool {
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0)
	return err == nil && ready > 0
}

// ResetAndClose ends a connection so that nobody takes what was sent for the whole.
func ResetAndClose(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	_ = unix.Close(fd)
}

// SocketOf gives a socket into Go's hands, by a descriptor of its own: fd still
// has to be closed.
func SocketOf(fd int) (*net.TCPConn, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, SystemError("dup", err)
	}
	file := os.NewFile(uintptr(dup), "socket")
	conn, err := net.FileConn(file)
	_ = file.Close()
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		_ = conn.Close()
		return nil, net.UnknownNetworkError(conn.LocalAddr().Network())
	}
	return tcp, nil
}

func Temporary(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
}

// SystemError names the call that failed.
func SystemError(call string, err error) error { return os.NewSyscallError(call, err) }
