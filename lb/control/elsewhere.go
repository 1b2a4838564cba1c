package control

import (
	"cmp"
	"time"

	"tandem/internal/wire"
)

// turnApart is between two changes of where the others are told to call this balancer:
// what they are told has to come to them, and one look of theirs has to be answered.
const turnApart = 10 * time.Second

// self is this balancer as the others are to know it.
func (c *Control) self() wire.Balancer {
	self := c.deps.Self
	if c.elsewhere.Load() {
		self.HTTP, self.Raft = c.deps.Elsewhere.HTTP, cmp.Or(c.deps.Elsewhere.Raft, self.Raft)
	}
	return self
}

// turn has the others told where this balancer listens, where its line in peers says
// otherwise and none of them reaches it there: the line is older than the listener, and
// it would be gone to all who answer it. Where nobody reaches it there either the line
// counts again.
func (c *Control) turn(now time.Time) {
	if c.deps.Elsewhere.HTTP == "" || !c.peers.isMissed(now) || now.Sub(c.turned) < turnApart {
		return
	}
	before := c.self().HTTP
	c.turned = now
	c.elsewhere.Store(!c.elsewhere.Load())
	c.deps.Logger.Warn().Str("instead", before).Str("at", c.self().HTTP).Msg("none of the others reaches this balancer where its line in peers says; they are told where it listens")
}
