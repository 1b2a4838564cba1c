package serve

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// A process that replaces another one listens where its settings say: at the older one's
// sockets where they say the same, or leave the port to the system, and anew where an
// address was changed meanwhile. What it does not listen at any more is closed without a
// word of systemd's.
func TestAnAddressThatWasChangedIsOpenedAnew(t *testing.T) {
	a, b, c := tcp(t), tcp(t), tcp(t)
	var list []passed
	for name, ln := range map[string]*net.TCPListener{"listen": a, "admin-listen": b, "tls-listen": c} {
		file, err := ln.File()
		must(t, err)
		list = append(list, passed{name: name, file: file, inherited: true})
		must(t, ln.Close())
	}
	s := &Sockets{from: "the process that is replaced", passed: list, open: map[string]*os.File{}}
	defer s.Close()
	free := tcp(t)
	must(t, free.Close())
	for _, row := range []struct{ name, addr, want string }{
		{"listen", a.Addr().String(), a.Addr().String()},
		{"admin-listen", free.Addr().String(), free.Addr().String()},
		{"tls-listen", "127.0.0.1:0", c.Addr().String()},
	} {
		ln, err := s.Listen(row.name, row.addr)
		must(t, err)
		defer ln.Close()
		if ln.Addr().String() != row.want {
			t.Errorf("%s at %s: it is at %s, not at %s", row.name, row.addr, ln.Addr(), row.want)
		}
	}
	var log bytes.Buffer
	s.Rest(zerolog.New(&log))
	if conn, err := net.Dial("tcp", b.Addr().String()); err == nil || strings.Contains(log.String(), "FileDescriptorName") {
		t.Errorf("%v is still open, or the log says %q", conn, log.String())
	}
}

// A port that another listener of this process has is not another process's.
func TestTwoListenersAtOnePort(t *testing.T) {
	s := &Sockets{open: map[string]*os.File{}}
	defer s.Close()
	ln, err := s.Listen("listen", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	_, err = s.Listen("admin-listen", ln.Addr().String())
	if err == nil || err.Error() != "--admin-listen: "+ln.Addr().String()+" is where --listen listens: give another port" {
		t.Error(err)
	}
	other := tcp(t)
	defer other.Close()
	if _, err = s.Listen("admin-listen", other.Addr().String()); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Error(err)
	}
}

// Who is told to take over from a process that has died, and left its socket, starts in its place;
// where nobody ever was, the order is wrong.
func TestWhoWasToBeReplacedHasDied(t *testing.T) {
	dir := t.TempDir()
	if _, err := meet(dir); err == nil || errors.Is(err, errGone) {
		t.Errorf("nobody ever was: %v", err)
	}
	addr, done, err := at(dir)
	must(t, err)
	defer done()
	ln, err := net.ListenUnix("unixpacket", addr)
	must(t, err)
	ln.SetUnlinkOnClose(false)
	must(t, ln.Close())
	if _, err := meet(dir); !errors.Is(err, errGone) {
		t.Errorf("it has died: %v", err)
	}
}

// What a unit passes that can't be listened at is said in its words, at the start.
func TestASocketThatDoesNotListenIsRefused(t *testing.T) {
	for what, kind := range map[string]int{"bound alone": unix.SOCK_STREAM, "of datagrams": unix.SOCK_DGRAM, "no socket": 0} {
		s := &Sockets{open: map[string]*os.File{}, from: "systemd"}
		file, err := os.Open(os.DevNull)
		must(t, err)
		if kind != 0 {
			fd, err := unix.Socket(unix.AF_INET, kind, 0)
			must(t, err)
			must(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
			file = os.NewFile(uintptr(fd), "socket")
		}
		s.passed = []passed{{name: "listen", file: file}}
		if _, err := s.Listen("listen", "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "--listen: a socket from systemd: it is no socket that listens (ListenStream=") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
