package front

import "golang.org/x/sys/unix"

// cork holds back what is sent until the end.
func cork(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_CORK, 1) }

// queueMuch lets a socket keep what is not read.
func queueMuch(fd int) { _ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 16<<20) }
