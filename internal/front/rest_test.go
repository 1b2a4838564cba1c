package front

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
	"tandem/internal/h1"
)

const warmPart = 256 << 10

// restStage serves a file at /cold of which, as it is told, only the first bytes are in
// memory: what the kernel reads ahead is its own affair.
func restStage(t *testing.T, inMemory int64) *stage {
	fd, err := unix.Dup(int(onDisk().Fd())) // another file, with the same bytes
	if err != nil {
		t.Fatal(err)
	}
	cold := os.NewFile(uintptr(fd), "cold")
	t.Cleanup(func() { _ = cold.Close() })
	return newStage(t, oneLoop, func(s *stage, c *Config) {
		c.resident = func(file *os.File, offset int64) bool { return file != cold || offset < inMemory }
		c.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				if h.Target != "/cold" {
					return s.answer(c, h)
				}
				head := AppendStatus(l.Scratch(), http.StatusOK)
				head = fmt.Appendf(head, "X-Target: /cold\r\nContent-Length: %d\r\n", len(plenty()))
				return s.begun(c.Respond(head, Body{File: cold, Length: int64(len(plenty())), Ended: s.listen(h.Target)}))
			}}
		}
	})
}

func TestFileThatIsNotInMemoryIsLeftToTheHandler(t *testing.T) {
	s := restStage(t, 0)
	c := call(t, s.addr)
	c.say(ask("GET", "/cold"))
	if r := c.hear("GET"); string(r.body) != "away /cold" {
		t.Errorf("%s %.40q; want the Handler's answer", r.Status, r.body)
	}
	s.hearsNothing()
}

// The page cache is looked at once a turn, at the end and where the body has begun already
// at the beginning, and not for every call that sends some of it.
func TestMemoryIsLookedAtOnceATurn(t *testing.T) {
	looks := 0
	s := &stage{t: t, ended: make(chan ending, 1)}
	l := &Loop{queue: newQueue(), server: New(Config{Leave: s.leave}), sources: make([]watched, 1000)}
	l.server.cfg.resident = func(*os.File, int64) bool { looks++; return true }
	pair := sockets(t)
	size := int64(len(plenty()))
	c := &Conn{loop: l, fd: pair[0], state: writing, out: output{body: Body{File: onDisk(), Length: size}, size: size}}
	for _, want := range []int{1, 2, 2} {
		looks = 0
		if c.flush() || c.writable {
			t.Fatal("the socket has taken everything")
		}
		if looks != want {
			t.Errorf("%d looks before %d bytes; want %d", looks, c.out.body.Length, want)
		}
		if n, err := unix.Read(pair[1], make([]byte, 64<<10)); n <= 0 || err != nil {
			t.Fatal(n, err)
		}
	}
}

func TestRestThatIsNotInMemoryIsSentByAGoroutine(t *testing.T) {
	for _, fields := range []string{"X: y", "Connection: close"} {
		s := restStage(t, warmPart)
		c := callSlow(t, s.addr)
		calls := kernel.Sendfiles.Load()
		c.say(ask("GET", "/cold", fields))
		r := c.hear("GET")
		if kernel.Sendfiles.Load() == calls && !*overTLS {
			t.Error("no goroutine has sent anything: the loop waited for the disk")
		}
		if string(r.body) != string(plenty()) {
			t.Errorf("%d bytes came, others than in the file", len(r.body))
		}
		if e := s.hears(); !e.whole || e.sent != int64(len(plenty())) {
			t.Errorf("told %+v", e)
		}
		if r.Close {
			c.ends(inOrder)
			continue
		}
		c.say(ask("GET", "/mem/3") + ask("GET", "/x"))
		c.hearTarget("GET", "/mem/3")
		c.hearTarget("GET", "/x")
		s.hears()
		s.hearsNothing()
	}
}

func TestEndOfARestIsToldWhenItsReaderVanishes(t *testing.T) {
	s := restStage(t, warmPart)
	c := callSlow(t, s.addr)
	c.say(ask("GET", "/cold") + ask("GET", "/mem/3"))
	if _, err := io.CopyN(io.Discard, c.r, warmPart+1000); err != nil { // so the goroutine has it
		t.Fatal(err)
	}
	c.vanish()
	if e := s.hears(); e.whole || e.sent < warmPart || e.sent >= int64(len(plenty())) {
		t.Errorf("told %+v", e)
	}
	s.hearsNothing()
}

func TestEndOfARestIsToldWhenNoGoroutineCanSendIt(t *testing.T) {
	s := restStage(t, warmPart)
	c := call(t, s.addr)
	c.say(ask("GET", "/mem/1"))
	c.hearTarget("GET", "/mem/1")
	s.hears()
	limited(t, 0, func() {
		c.say(ask("GET", "/cold"))
		if _, how := c.end(); how != byReset {
			t.Errorf("the connection ended %s", how)
		}
		if e := s.hears(); e.whole || e.sent >= int64(len(plenty())) {
			t.Errorf("told %+v", e)
		}
	})
}
