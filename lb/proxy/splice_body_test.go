package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A response of which much has come takes turns with the others of its loop, and
// goes on however often it is told of more meanwhile.
func TestLongBodiesTakeTurns(t *testing.T) {
	body := pattern(6 * bigSize)
	s, _ := pair(t, Config{}, body, func(c net.Conn, ask string) { send(c, objectFor(ask, body)) })
	n := s.all()[0]
	turns := 0
	for range 4 {
		large := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20) })
		}}
		c, err := large.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		thaw := s.freeze()
		if _, err := io.WriteString(c, "GET /1 HTTP/1.1\r\nHost: lb\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		var r *splice
		var life uint32
		n.loop.Post(func() { // it is asked for
			r = n.waiting.first
			life = r.life
			_ = unix.SetsockoptInt(r.conn.FD, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20)
		})
		thaw()
		v := &viewer{TCPConn: c.(*net.TCPConn), in: bufio.NewReaderSize(c, 1<<20), s: s}
		over := make(chan got)
		go func() { over <- v.read(http.MethodGet) }()
		for done := false; !done; {
			s.on(n, func() {
				if done = r.life != life; !done && r.begun {
					turns++
					r.arrived() // told of more, whether its turn has come or not
				}
			})
		}
		if g := <-over; g.check(http.StatusOK, []byte(body)) != nil {
			t.Fatalf("%.300s", g.text())
		}
		_ = c.Close()
	}
	t.Logf("%d turns", turns) // how many is the kernel's affair
}

// A viewer that takes no more in the middle of a head, of what came with it, or of a rest
// that is not worth a splice, is waited for, and gets what is left.
func TestViewersThatPauseInAHead(t *testing.T) {
	for _, beyond := range []int{-300, 6000, 9000, 12000, 15000} {
		pauses(t, pattern(spliceRead+beyond), false)
	}
	pauses(t, pattern(spliceRead-300), true)
}

func pauses(t *testing.T, body string, leave bool) {
	t.Helper()
	s, _ := pair(t, Config{}, body, func(c net.Conn, ask string) { send(c, objectFor(ask, body)) })
	v := s.dial()
	_ = v.SetReadBuffer(64 << 10)
	const asked = 800
	send(v, strings.Repeat("GET /1 HTTP/1.1\r\nHost: lb\r\n\r\n", asked))
	last := int64(-1)
	s.eventually("the viewer takes no more", func() bool {
		still := s.ways.Quick.Load() == last && s.blocked()
		last = s.ways.Quick.Load()
		time.Sleep(5 * time.Millisecond)
		return still
	})
	if last == asked {
		t.Fatal("all of it was taken")
	}
	s.after(time.Hour)
	if leave {
		_ = v.SetLinger(0)
		_ = v.Close()
		s.over(int(last))
		s.stop()
		return
	}
	for i := range asked {
		if g := v.read(http.MethodGet); g.check(http.StatusOK, []byte(body)) != nil {
			t.Fatalf("answer %d: %.300s", i, g.text())
		}
	}
	if _, moves, failed, left, _ := s.counted(); len(moves)+len(failed)+left != 0 {
		t.Fatalf("takeovers %+v, evidence %v, %d left", moves, failed, left)
	}
}
