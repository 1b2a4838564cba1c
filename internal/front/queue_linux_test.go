//go:build linux && !portable

package front

import (
	"net/http"
	"testing"

	"tandem/internal/front/kernel"
)

// waiting is how many bytes lie in the kernel for the clients of a loop.
func (s *stage) waiting() (n int) {
	s.t.Helper()
	done := make(chan int, 1)
	l := s.loops[0]
	l.Post(func() {
		sum := 0
		l.each(func(c *Conn) {
			if _, n, ok := kernel.Progress(c.fd); ok {
				sum += n
			}
		})
		done <- sum
	})
	return <-done
}

// What could not be sent to a client that takes nothing is bounded, whichever way its
// answer goes; what was sent lies in the client's own kernel.
func TestWhatLiesInTheKernelForOneClientIsBounded(t *testing.T) {
	const most = 32 << 10
	for _, target := range []string{"/mem/12000000", "/file/12000000", "/x"} {
		s := newStage(t, oneLoop, func(_ *stage, c *Config) {
			c.MaxQueue = most
			c.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(plenty()) })
		})
		c := callSlow(t, s.addr)
		c.say(ask("GET", target))
		waiting := 0
		eventually(t, target+" has begun, and stands still", func() bool {
			before := s.waiting()
			s.pass()
			waiting = s.waiting()
			return waiting > 0 && waiting == before
		})
		if waiting > 4*most {
			t.Errorf("%s: %d bytes lie there", target, waiting)
		}
		_ = c.Close()
	}
}
