//go:build linux && !portable

package front

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
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

func TestLoopDoesNotWaitForTheDisk(t *testing.T) {
	for _, connect := range []func(*testing.T, string) *caller{call, callSlow} {
		blocks, most := 0, 2*8                                      // to look for a page lets the kernel fetch it; nobody waits for that
		for try := 0; try == 0 || try < 5 && blocks > most; try++ { // a loop that is held up between two looks
			c := connect(t, coldStage(t, cold(t, warmPart)).addr)
			c.say(ask("GET", "/cold") + ask("GET", "/blocks"))
			if r := c.hear("GET"); string(r.body) != string(plenty()) {
				t.Errorf("%d bytes came, others than in the file", len(r.body))
			}
			var err error
			if blocks, err = strconv.Atoi(string(c.hear("GET").body)); err != nil {
				t.Fatal(err)
			}
		}
		if blocks > most {
			t.Errorf("the loop has read %d blocks from the disk", blocks)
		}
	}
}

// A part of a body that goes out in one turn, of which both ends are in memory and the
// middle is not, comes whole over TLS as well: a loop reads it, and waits for no disk.
func TestABodyWhoseMiddleIsNotInMemoryComesOverTLS(t *testing.T) {
	before := *overTLS
	*overTLS = true
	t.Cleanup(func() { *overTLS = before })
	file := cold(t, 16<<10) // less than a socket takes, which then has nothing to tell
	_ = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_RANDOM)
	if _, err := file.ReadAt(make([]byte, 1), shareAlone-1); err != nil {
		t.Fatal(err)
	}
	c := call(t, coldStage(t, file).addr)
	c.say(ask("GET", "/cold"))
	if r := c.hear("GET"); string(r.body) != string(plenty()) {
		t.Errorf("%d bytes came, others than in the file", len(r.body))
	}
}

// What is not in memory is known to be so. A look may let the kernel fetch it, so each
// place of a file is looked at once; who is held up in the middle of it finds it there, and
// looks at another file.
func TestWhatIsNotInMemoryIsKnown(t *testing.T) {
	far := int64(len(plenty())) - 10 // nothing is read ahead up to there
	var n int
	var err error
	there := true
	for try := 0; try < 5 && (n > 0 || err == nil || there); try++ {
		file := cold(t, warmPart)
		b := make([]byte, 10)
		if n, err := kernel.ReadNow(file, b, 0); n != len(b) || err != nil || !kernel.InMemory(file, 0) || !kernel.InMemory(file, warmPart-1) {
			t.Fatalf("what is in memory: %d bytes, %v", n, err)
		}
		n, err = kernel.ReadNow(file, b, far)
		there = kernel.InMemory(file, far/2)
	}
	if n > 0 || err == nil || there {
		t.Errorf("what is not: %d bytes, %v; said to be there: %v", n, err, there)
	}
}
