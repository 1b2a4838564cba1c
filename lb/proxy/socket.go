package proxy

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tcpClosed is TCP_CLOSE of the kernel's tcp_states.h: reset, or given up.
const tcpClosed = 7

// waiting is how many bytes lie in the socket and were not read. More than none
// means that whoever should read is slow, not who sends.
func (u *upstream) waiting() int {
	n := 0
	_ = u.raw.Control(func(fd uintptr) {
		if got, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ); err == nil { // SIOCINQ
			n = got
		}
	})
	return n
}

// reception is the time since the kernel last received bytes, and whether the
// connection is dead.
func (u *upstream) reception() (silent time.Duration, dead bool) {
	err := u.raw.Control(func(fd uintptr) {
		t, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		silent = time.Duration(t.Last_data_recv) * time.Millisecond
		dead = t.State == tcpClosed
	})
	return silent, dead || err != nil
}

// clean tells whether an idle connection is one still: alive, with nothing in
// it that nobody asked for.
func (u *upstream) clean() bool {
	ok := false
	err := u.raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		ok = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && ok
}
