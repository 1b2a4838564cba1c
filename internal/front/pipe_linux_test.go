//go:build linux && !portable

package front

import (
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/h1"
)

// pour puts bytes into an empty pipe.
func pour(p *Pipe, b []byte) error {
	n, err := unix.Write(p.w, b)
	p.held += max(n, 0)
	return err
}

// bellOf is what a wake writes to.
func bellOf(l *Loop) int { return l.poll.bell }

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
