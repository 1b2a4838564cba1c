package front

import "tandem/internal/front/kernel"

// paceRound bounds what a round does of it, in looks; to reset a connection, and to throw
// away what lies in it, takes as long as paceReset of them. A thousand that are reset at
// once would keep everybody else waiting.
const (
	paceRound = 128
	paceReset = 16
)

// pace compares what every client has acknowledged with the last look, some of them a
// round. Bytes that wait in the socket show that it is the client who is slow, not we;
// also when the answer is written whole and lies there to be taken.
func (l *Loop) pace() {
	if !l.pacing {
		window := l.now.Sub(l.paced)
		if l.server.cfg.MinRate <= 0 || window < l.server.cfg.paceEvery {
			return
		}
		l.pacing, l.paced = true, l.now
		l.next, l.least = 0, uint64(float64(l.server.cfg.MinRate)*window.Seconds())
	}
	for looks := 0; looks < paceRound; l.next++ {
		if l.next >= len(l.sources) {
			l.pacing = false
			return
		}
		if c, ok := l.sources[l.next].source.(*Conn); ok {
			looks += keepsPace(c, l.least)
		}
	}
}

// keepsPace resets a client that does not; it returns what that has cost.
func keepsPace(c *Conn, least uint64) (looks int) {
	if c.gone || c.node {
		return 0 // what was cut off and is away still is no second one; a balancer is as slow as its viewer
	}
	switch c.state {
	case writing, taken, away, lingering:
	default:
		if !c.owed {
			return 0
		}
	}
	acked, waiting, ok := kernel.Progress(c.fd)
	if !ok || waiting == 0 {
		c.asked, c.slow = false, 0
		if c.state == idle || c.state == heading {
			c.owed = false // it has taken all; the next answer raises it again
		}
		return 1
	}
	if c.asked && acked-c.acked < least {
		c.slow++
	} else {
		c.slow = 0
	}
	c.asked, c.acked = true, acked
	if c.slow < 2 {
		return 1
	}
	c.loop.server.cfg.Slow()
	c.Reset()
	return paceReset
}
