//go:build linux && !portable

package front

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/front/kernel"
	"tandem/internal/h1"
)

// pour puts bytes into an empty pipe.
func pour(p *kernel.Pipe, b []byte) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer func() { _, _ = unix.Close(pair[0]), unix.Close(pair[1]) }()
	for len(b) > 0 && err == nil {
		n := 0
		if n, err = unix.Write(pair[0], b[:min(len(b), 64<<10)]); err == nil {
			b = b[n:]
			_, err = p.Fill(pair[1], n)
		}
	}
	return err
}

// A client whose machine has died sends no FIN: without probes a request that
// waits, or a stream to the fallback server, would hold its connection for ever.
func TestConnectionsAreProbedWhenNothingComes(t *testing.T) {
	told := make(chan int, 1)
	s := echoStage(t, func(_ *stage, c *Config) {
		c.Quick = func(l *Loop) Quick {
			return &scripted{loop: l, serve: func(c *Conn, h *h1.Request) bool {
				on, _ := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
				idle, _ := unix.GetsockoptInt(c.fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE)
				told <- on * idle
				return false
			}}
		}
	})
	c := call(t, s.addr)
	c.say(ask("GET", "/"))
	c.hear("GET")
	if seconds := <-told; seconds == 0 || seconds > 60 {
		t.Errorf("probes after %d seconds of silence", seconds)
	}
}

// While a process's table of descriptors grows all its loops wait: it has to be large
// before the first crowd comes.
func TestServerHasRoomForItsDescriptorsFromTheStart(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	s := echoStage(t)
	c := call(t, s.addr)
	c.say(ask("GET", "/"))
	c.hear("GET") // it serves
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "FDSize:")
	size, _, _ := strings.Cut(after, "\n")
	if n, err := strconv.ParseUint(strings.TrimSpace(size), 10, 64); err != nil || n < min(limit.Cur, 16<<10) {
		t.Errorf("room for %d descriptors (%v)", n, err)
	}
}
