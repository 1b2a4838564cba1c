package proxy

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/front"
	"tandem/internal/front/kernel"
	"tandem/lb/proxy/upstream"
)

// isHeld tells whether the kernel keeps what a connection has received at what it was.
func isHeld(t *testing.T, u *upstream.Conn) bool {
	t.Helper()
	how, err := unix.GetsockoptInt(u.FD, unix.SOL_SOCKET, unix.SO_BUF_LOCK)
	if err != nil {
		t.Skip("this kernel holds no buffer:", err)
	}
	return how&unix.SOCK_RCVBUF_LOCK != 0
}

// A connection's window grows for a viewer who takes all at once, and for no other one:
// that of a stranger is narrow whatever others have had before.
func TestWindowGrowsForViewersWhoTakeAll(t *testing.T) {
	big, small := strings.Repeat("x", 2*widenAfter), strings.Repeat("y", widenAfter/4)
	e := script(t, func(c net.Conn, ask string) {
		body := big
		if targetOf(ask) == "/small" {
			body = small
		}
		send(c, objectFor(ask, body))
	})
	known := map[string]*Taker{"fast": {}, "new": {}, "sure": {}}
	known["sure"].note(true)
	var who atomic.Value
	s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}})
	s.on(s.all()[0], func() { s.all()[0].deps.Taker = func(*front.Conn) *Taker { return known[who.Load().(string)] } })
	get := func(name, path string) {
		t.Helper()
		who.Store(name)
		v := s.dial()
		defer v.Close()
		v.ask(http.MethodGet, path)
		want := big
		if path == "/small" {
			want = small
		}
		if g := v.read(http.MethodGet); g.check(http.StatusOK, []byte(want)) != nil {
			t.Fatalf("%s: %.200s", path, g.text())
		}
		s.settle()
	}
	pools := func() (text string) {
		s.on(s.all()[0], func() {
			count := map[bool]int{}
			s.all()[0].pool.Sweep(func(u *upstream.Conn) bool {
				if count[u.Wide()]++; isHeld(t, u) == u.Wide() {
					t.Errorf("wide %v: held %v", u.Wide(), isHeld(t, u))
				}
				return false
			})
			text = fmt.Sprint(count[false], " narrow, ", count[true], " wide")
		})
		return text
	}
	for _, step := range []struct {
		who, path string
		eager     bool
		want      string
	}{
		{"new", "/small", false, "1 narrow, 0 wide"},
		{"sure", "/small", true, "0 narrow, 1 wide"},
		{"new", "/small", false, "1 narrow, 1 wide"},
		{"fast", "/big", true, "0 narrow, 2 wide"},
		{"fast", "/big", true, "0 narrow, 2 wide"},
		{"new", "/small", false, "1 narrow, 2 wide"},
	} {
		get(step.who, step.path)
		if got := pools(); got != step.want || known[step.who].isEager() != step.eager {
			t.Errorf("after %s has taken %s: %s, eager %v; want %s", step.who, step.path, got, known[step.who].isEager(), step.want)
		}
	}
}

// Whatever way its response goes, a viewer who takes nothing lets little come from the
// edge: what a narrow connection holds, a pipe, and what it could be sent itself.
func TestViewerWhoTakesNothingHoldsLittle(t *testing.T) {
	const most = 256 << 10 // bytes; more, where windows grow
	body := strings.Repeat("x", 8<<20)
	for name, without := range map[string]bool{"on a loop": false, "in a goroutine": true} {
		edge := make(chan *net.TCPConn, 1)
		e := script(t, func(c net.Conn, ask string) {
			edge <- c.(*net.TCPConn)
			send(c, objectFor(ask, body)) // it ends in the middle
		})
		s := openSplices(t, spliceOptions{edges: []upstream.Target{e.target("edge-1")}, without: without, queue: 32 << 10})
		d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4096) })
		}}
		v, err := d.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		send(v, "GET /big HTTP/1.1\r\nHost: lb\r\n\r\n")
		raw, err := (<-edge).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		took, same := uint64(0), 0
		s.eventually(name+": nothing moves any more", func() bool {
			before := took
			_ = raw.Control(func(fd uintptr) { took, _, _ = kernel.Progress(int(fd)) })
			if same++; took != before || took < 64<<10 {
				same = 0
			}
			return same == 20
		})
		if took > most {
			t.Errorf("%s: the balancer took %d bytes from the edge", name, took)
		}
		_ = v.Close()
		s.over(1)
	}
}
