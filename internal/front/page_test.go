package front

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"tandem/internal/h1"
)

// cold is a file of which only the first bytes are in memory. Where the disk does
// not let go of its pages the test has nothing to say.
func cold(t *testing.T, inMemory int64) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "cold")
	if err := os.WriteFile(name, plenty(), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if err := file.Sync(); err != nil {
		t.Fatal(err)
	}
	_ = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED)
	_ = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_RANDOM) // nothing is read ahead
	if _, err := file.ReadAt(make([]byte, inMemory), 0); err != nil {
		t.Fatal(err)
	}
	_ = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_NORMAL)
	if got := cached(t, file); got != inMemory {
		t.Skipf("the disk keeps its pages as it likes: %d bytes in memory", got)
	}
	return file
}

// cached is how many bytes of a file are in memory. To look by reading would
// bring them there.
func cached(t *testing.T, file *os.File) int64 {
	t.Helper()
	var all struct{ offset, length uint64 } // to the end
	var found struct{ pages, dirty, writeback, evicted, recently uint64 }
	_, _, code := unix.Syscall6(unix.SYS_CACHESTAT, file.Fd(), uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&found)), 0, 0, 0)
	if code != 0 {
		t.Skip("the kernel does not tell what is in memory:", code)
	}
	return int64(found.pages) * int64(os.Getpagesize())
}

const warmPart = 256 << 10

// coldStage serves all of that file at /cold, and tells at /blocks how many
// blocks its loop has read from the disk since.
func coldStage(t *testing.T, file *os.File) *stage {
	return newStage(t, oneLoop, func(s *stage, c *Config) {
		var before int64
		c.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				head := AppendStatus(l.Scratch(), http.StatusOK)
				switch h.Target {
				case "/cold":
					runtime.LockOSThread() // the loop's
					before = blocksRead()
					head = fmt.Appendf(head, "X-Target: /cold\r\nContent-Length: %d\r\n", len(plenty()))
					return s.begun(c.Respond(head, Body{File: file, Length: int64(len(plenty())), Ended: s.listen(h.Target)}))
				case "/blocks":
					b := strconv.AppendInt(nil, blocksRead()-before, 10)
					return c.Respond(fmt.Appendf(head, "Content-Length: %d\r\n", len(b)), Body{Bytes: b})
				default:
					return s.answer(c, h)
				}
			}}
		}
	})
}

// blocksRead counts what the calling thread has waited for the disk for.
func blocksRead() int64 {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &usage)
	return usage.Inblock
}

func TestFileThatIsNotInMemoryIsLeftToTheHandler(t *testing.T) {
	s := coldStage(t, cold(t, 0))
	c := call(t, s.addr)
	c.say(ask("GET", "/cold"))
	if r := c.hear("GET"); string(r.body) != "away /cold" {
		t.Errorf("%s %.40q; want the Handler's answer", r.Status, r.body)
	}
	s.hearsNothing()
}

func TestLoopDoesNotWaitForTheDisk(t *testing.T) {
	for _, connect := range []func(*testing.T, string) *caller{call, callSlow} {
		s := coldStage(t, cold(t, warmPart))
		c := connect(t, s.addr)
		c.say(ask("GET", "/cold") + ask("GET", "/blocks"))
		if r := c.hear("GET"); string(r.body) != string(plenty()) {
			t.Errorf("%d bytes came, others than in the file", len(r.body))
		}
		blocks, err := strconv.Atoi(string(c.hear("GET").body))
		if err != nil || blocks > 2*8 { // to look for a page lets the kernel fetch it; nobody waits for that
			t.Errorf("the loop has read %d blocks from the disk", blocks)
		}
	}
}

func TestRestThatIsNotInMemoryIsSentByAGoroutine(t *testing.T) {
	for _, fields := range []string{"X: y", "Connection: close"} {
		s := coldStage(t, cold(t, warmPart))
		c := callSlow(t, s.addr)
		calls := Sendfiles.Load()
		c.say(ask("GET", "/cold", fields))
		r := c.hear("GET")
		if Sendfiles.Load() == calls {
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
	s := coldStage(t, cold(t, warmPart))
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
	s := coldStage(t, cold(t, warmPart))
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
