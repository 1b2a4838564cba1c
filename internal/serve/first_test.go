package serve

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// With the first process of a container everything there ends. Replaced, it stays until
// those have ended that run in its place, gives signals on to them, and ends as the last
// of them does; nothing listens any more then.
func TestTheFirstProcessOfAContainerStaysForThoseThatReplaceIt(t *testing.T) {
	for _, row := range []struct {
		kill   syscall.Signal
		killed bool // the newest process, in place of the first one
	}{{syscall.SIGTERM, false}, {syscall.SIGKILL, true}} {
		first := startChild(t, t.TempDir(), nil, firstEnv+"=1")
		serving := pid(first)
		answers := func() string { _, body, _ := ask(first.url); return body }
		for range 2 {
			must(t, first.cmd.Process.Signal(syscall.SIGUSR2))
			was := serving
			await(t, "another process answers", func() bool {
				if now := answers(); now != "" {
					serving = now
				}
				return serving != was
			})
			await(t, "the one before it has ended, or as the first one has only to wait", func() bool {
				return !alive(number(was)) || was == pid(first) && !hasSockets(was)
			})
		}
		if !alive(number(pid(first))) {
			t.Fatal("the first process has ended, and its container with it")
		}
		target := number(pid(first))
		if row.killed {
			target = number(serving)
		}
		must(t, syscall.Kill(int(target), row.kill))
		err := first.awaitEnd(t, 20*time.Second)
		if (err != nil) != row.killed {
			t.Errorf("%s: the first process has ended by %v", row.kill, err)
		}
		if conn, err := net.Dial("tcp", strings.TrimPrefix(first.url, "http://")); err == nil {
			t.Errorf("%s: somebody listens still at %s", row.kill, conn.RemoteAddr())
		}
		if alive(number(serving)) {
			t.Errorf("%s: %s runs on", row.kill, serving)
		}
	}
}

func hasSockets(pid string) bool {
	open, _ := filepath.Glob("/proc/" + pid + "/fd/*")
	return slices.ContainsFunc(open, func(fd string) bool {
		to, _ := os.Readlink(fd)
		return strings.HasPrefix(to, "socket:")
	})
}

func number(pid string) (n int32) {
	for _, c := range pid {
		n = 10*n + c - '0'
	}
	return n
}
