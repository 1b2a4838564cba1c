package front

import (
	"time"

	"tandem/internal/h1"
)

// Bounds of connections on trial.
const (
	trialFor   = time.Second // from its beginning to its first request
	trialsMost = 64          // on a loop, that have not asked yet
)

// A connection beyond what clients may take (Config.Enter refuses it) is let in on
// trial, where there is a Config.Proves: if its first request shows that a node of the
// cluster asks, it stays, else it is reset. A node asks at once, and of those that have
// not asked yet the oldest makes way for the newest, so strangers that flood a listener
// do not keep nodes out.

// try begins the trial of a connection on its loop.
func (l *Loop) try(c *Conn) {
	l.trials.push(c, l.now)
	if l.onTrial++; l.onTrial > trialsMost {
		l.trials.first.Reset()
	}
}

// tried ends a trial, however it ends.
func (l *Loop) tried(c *Conn) {
	if c.trial {
		c.trial = false
		l.onTrial--
	}
}

// proves looks at a connection's first request: one on trial that is no node's is
// reset. No budget is meant for nodes.
func (l *Loop) proves(c *Conn, h *h1.Request) bool {
	c.fresh, c.node = false, l.server.cfg.Proves(c.client, h)
	if c.trial && !c.node {
		c.Reset()
		return false
	}
	l.tried(c)
	return true
}
