package front

import (
	"net/netip"
	"time"

	"tandem/internal/front/fair"
	"tandem/internal/front/turns"
)

// Where a round tells of more than fewEvents, clients have a loop in turn, the one first that
// was given least, and each of their connections answers fewer requests and sends less before the
// next one's turn. After turnsFor new events are asked for: who comes then, and was given little,
// waits no longer than that.
const (
	fewEvents = 16
	turnsFor  = time.Millisecond

	requestsAlone, requestsAmong = 16, 4              // of one connection, in its turn
	shareAlone, shareAmong       = 4 << 20, 256 << 10 // bytes of a body, likewise
	turnsAlone                   = 16                 // of a client between two looks at the clock, where nobody else waits
)

type (
	queue = fair.Queue[netip.Prefix, *Conn]
	flow  = fair.Flow[netip.Prefix, *Conn]
)

func newQueue() *queue { return fair.New[netip.Prefix, *Conn]() }

// Goer is a Driver that goes on after Conn.Later.
type Goer interface{ GoOn() }

// Queues tells that so much is to do that clients have their turns: what can wait for one
// does (Conn.Later).
func (l *Loop) Queues() bool { return l.queues }

// Share is how many bytes of a body one turn sends.
func (l *Loop) Share() int {
	if l.queue.Others(l.serves) {
		return shareAmong
	}
	return shareAlone
}

func (l *Loop) requestsMost() int {
	if l.queue.Others(l.serves) {
		return requestsAmong
	}
	return requestsAlone
}

// known notes who asks, in whose turn the connection has its own.
func known(c *Conn) { inLine(c, c.remote.Addr()) }

func inLine(c *Conn, of netip.Addr) {
	f := c.loop.queue.Of(turns.Client(of))
	unknown(c)
	c.flow = f
}

func unknown(c *Conn) {
	if c.flow != nil {
		c.loop.queue.Leave(c.flow)
		c.flow = nil
	}
}

// wait tells of events in its client's turn.
func wait(c *Conn, events uint32) {
	c.events |= events
	if !c.queued {
		c.queued = true
		c.loop.queue.Put(c.flow, c)
	}
}

// Later goes on in its client's next turn.
func (c *Conn) Later() {
	if c.flow != nil { // else it is over
		c.more = true
		wait(c, 0)
	}
}

// sorts tells that a node's request may come, which is read to see for whom it is made.
func sorts(c *Conn) bool { return c.node && !c.its && (c.state == idle || c.state == heading) }

// sorted puts a node's request, the head that was read last, into the line of the client for whom
// it is made. False: it has its turn now.
func sorted(c *Conn, b []byte) bool {
	l := c.loop
	if !l.queues || l.server.cfg.Asks == nil || c.its {
		c.its = false
		return false
	}
	a, err := netip.ParseAddr(l.server.cfg.Asks(&l.head))
	if err != nil {
		return false // a node's own: nobody is declared dead because a client asks for much
	}
	inLine(c, a)
	if len(c.input) == 0 {
		c.input = kept(b)
	}
	c.partial, c.its = false, true
	c.Later()
	return true
}

// takeTurns lets clients have the loop in turn, until nobody waits, or it is time to ask
// for new events.
func (l *Loop) takeTurns() {
	if l.queue.Len() == 0 {
		return
	}
	l.now = time.Now()
	for until := l.now.Add(turnsFor); l.now.Before(until); {
		var of *flow
		for n := 0; n == 0 || n < turnsAlone && !l.queue.Others(of); n++ {
			c, whose, ok := l.queue.Take()
			if !ok {
				break
			}
			of, l.serves = whose, whose
			takeTurn(c)
		}
		if l.serves = nil; of == nil {
			return
		}
		now := time.Now()
		l.queue.Spent(of, now.Sub(l.now))
		l.now = now
	}
}

// takeTurn is the connection's.
func takeTurn(c *Conn) {
	events, more := c.events, c.more
	c.queued, c.events, c.more = false, 0, false
	if events != 0 && c.state != closed {
		c.Ready(events)
	}
	if more {
		c.proceed()
	}
}
