//go:build linux && !portable

package kernel

import (
	"io"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// What a held socket may receive stays what it was, however fast its reader is; let go,
// it grows as the reader reads.
func TestHeldSocketReceivesNoMoreThanAtFirst(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	const much = 32 << 20
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range 2 {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write(make([]byte, much))
			_ = c.Close()
		}
	}()
	room := func(yes bool) (before, after int) {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		raw, err := c.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		look := func() (n int) {
			_ = raw.Control(func(fd uintptr) { n, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF) })
			return n
		}
		_ = raw.Control(func(fd uintptr) { HoldReceived(int(fd), true) })
		before = look()
		_ = raw.Control(func(fd uintptr) { HoldReceived(int(fd), yes) })
		if n, err := io.Copy(io.Discard, c); err != nil || n != much {
			t.Fatal(n, err)
		}
		return before, look()
	}
	if before, after := room(true); before != after {
		t.Errorf("held: %d bytes, then %d", before, after)
	}
	if before, after := room(false); before >= after {
		t.Skipf("this kernel lets no socket grow (%d bytes, then %d): there is nothing to hold", before, after)
	}
	<-sent
}
