package front

import (
	"time"

	"tandem/internal/front/kernel"
)

// pace compares what every client has acknowledged with the last look. Bytes
// that wait in the socket show that it is the client who is slow, not we; also
// when the answer is written whole and lies there to be taken.
func (l *Loop) pace(window time.Duration) {
	least := uint64(float64(l.server.cfg.MinRate) * window.Seconds())
	l.each(func(c *Conn) {
		if c.gone || c.node {
			return // what was cut off and is away still is no second one; a balancer is as slow as its viewer
		}
		switch c.state {
		case writing, taken, away, lingering:
		default:
			if !c.owed {
				return
			}
		}
		acked, waiting, ok := kernel.Progress(c.fd)
		if !ok || waiting == 0 {
			c.asked, c.slow = false, 0
			if c.state == idle || c.state == heading {
				c.owed = false // it has taken all; the next answer raises it again
			}
			return
		}
		if c.asked && acked-c.acked < least {
			c.slow++
		} else {
			c.slow = 0
		}
		c.asked, c.acked = true, acked
		if c.slow >= 2 {
			l.server.cfg.Slow()
			c.Reset()
		}
	})
}
