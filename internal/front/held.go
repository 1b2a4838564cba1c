package front

import (
	"time"

	"tandem/internal/budget"
	"tandem/internal/front/kernel"
)

// What the kernel holds for clients that do not take it is looked at, some of them a
// round, and told to Config.Held; those who hear that they have to go are reset.
const (
	weighEvery = time.Second
	tookMost   = 64 << 10               // who takes so much begins anew, in bytes
	weighSoon  = 100 * time.Millisecond // where it is more than half of what may be
)

// Holder is a Driver for whose connection the kernel holds more than lies in its own
// socket.
type Holder interface{ Held() int64 }

// weighing is a loop's look at what is held.
type weighing struct {
	share  *budget.Share // nil: nobody wants to know
	every  time.Duration
	began  time.Time
	going  bool          // it goes on in the next round,
	next   int           // with this descriptor
	mine   budget.Levels // found so far
	goes   budget.Excess // who has to go
	resets bool          // those are looked for now
}

// weigh goes on with it.
func (l *Loop) weigh() {
	w := &l.weighed
	if w.share == nil {
		return
	}
	if !w.going {
		if l.now.Sub(w.began) < w.every {
			return
		}
		w.going, w.began, w.next, w.mine = true, l.now, 0, budget.Levels{}
	}
	for looks := 0; looks < paceRound; w.next++ {
		if w.next >= len(l.sources) {
			w.turn(l)
			return
		}
		c, ok := l.sources[w.next].source.(*Conn)
		switch {
		case !ok:
		case w.resets:
			looks += w.relieve(c)
		case holds(c):
			w.add(c)
			looks++
		}
	}
}

// turn is for when all were looked at.
func (w *weighing) turn(l *Loop) {
	w.next = 0
	if w.resets {
		w.resets, w.going = false, false
		return
	}
	goes, some, much := w.share.Tell(w.mine)
	w.every = l.server.cfg.weighEvery
	if much {
		w.every = min(w.every, weighSoon)
	}
	w.goes, w.resets, w.going = goes, some, some
}

// holds tells whether a client has something to take, and forgets since when if not.
func holds(c *Conn) bool {
	switch {
	case c.gone, c.node: // a balancer is as slow as its viewers, who are weighed there
	case c.state == away, c.state == lingering, c.owed:
		return true
	case c.state == writing || c.state == taken:
		if !c.writable {
			return true
		}
	}
	c.stuck, c.weight = time.Time{}, 0
	return false
}

// add weighs what is held for a client.
func (w *weighing) add(c *Conn) {
	l := c.loop
	if c.stuck.IsZero() {
		c.stuck = l.now
	}
	c.weight = kernel.Held(c.fd)
	switch holder, more := c.driver.(Holder); {
	case more:
		c.weight += holder.Held()
	case c.state == away && l.server.cfg.Received != nil:
		c.weight += l.server.cfg.Received(c.client)
	}
	if c.weight >= tookMost { // that it does not wait for a viewer tells nothing of a goroutine
		if acked, _, ok := kernel.Progress(c.fd); ok && acked-c.took >= tookMost {
			c.stuck, c.took = l.now, acked
		}
	}
	w.mine[w.share.Level(c.weight, l.now.Sub(c.stuck))] += c.weight
}

// relieve resets a client that has to go and has taken nothing meanwhile; it returns what
// that has cost.
func (w *weighing) relieve(c *Conn) (looks int) {
	if c.weight == 0 || c.stuck.IsZero() || c.gone {
		return 0
	}
	switch level := w.share.Level(c.weight, w.began.Sub(c.stuck)); {
	case level < w.goes.Level:
		return 0
	case level == w.goes.Level && w.goes.Bytes <= 0:
		return 0
	case level == w.goes.Level:
		w.goes.Bytes -= c.weight
	}
	c.loop.server.cfg.Relieved(c.weight)
	c.Reset()
	return paceReset
}
