package sim

import (
	"tandem/internal/ring"
	"tandem/internal/wire"
	"tandem/lb"
)

// open lets viewers ask for a stream, one after another. A refusal changes
// nothing, so after the first one all the others are refused as well.
func (c *tandem) open(stream string, count int) {
	if _, known := c.number[stream]; !known && len(c.names) >= c.most {
		c.count.Refused += count
		return
	}
	n := c.stream(stream)
	for i := range count {
		if !c.admit(stream, n) {
			c.count.Refused += count - i
			return
		}
	}
}

// admit is an opening as the real cluster does it: the choice, the placement of
// the stream, a slot on the chosen member's side, room if that side is full.
func (c *tandem) admit(stream string, number int32) bool {
	choice := lb.Choose(c.p, c.loads, stream)
	if choice.Edge == "" {
		return false
	}
	if choice.Place {
		c.store(stream, choice.Pair)
	}
	q, _ := c.p.Pair(choice.Pair)
	slot, ok := c.allot(q, choice.Edge)
	if !ok {
		c.makeRoom(q, choice.Edge == q.Low)
		if slot, ok = c.allot(q, choice.Edge); !ok {
			return false
		}
	}
	c.seat(q, slot, number)
	c.loads.Delivering[choice.Edge]++
	c.unload(choice.Edge)
	return true
}

func (c *tandem) allot(q *wire.Pair, edge string) (slot int, ok bool) {
	if edge == q.Low {
		return c.tables[q.ID].AllotLow(q.Boundary)
	}
	return c.tables[q.ID].AllotHigh(q.Boundary)
}

// makeRoom moves boundary and home of a pair, which is what a balancer proposes
// to a member that answers side_full. Sessions may change sides by it.
func (c *tandem) makeRoom(q *wire.Pair, forLow bool) {
	t := c.tables[q.ID]
	boundary, ok := ring.Room(q, t, forLow)
	if !ok {
		return
	}
	toLow := t.Below(boundary) - t.Below(q.Boundary)
	q.Boundary, q.Home = boundary, boundary
	c.loads.Delivering[q.Low] += toLow
	c.loads.Delivering[q.High] -= toLow
	c.count.Moved += max(toLow, -toLow)
}

// unload settles the boundaries anew when an opening has put an edge above its
// capacity, which only sessions that changed sides for room can do.
func (c *tandem) unload(edge string) {
	if e, _ := c.p.Edge(edge); c.loads.Delivering[edge] > e.Capacity {
		c.settle(ring.AnchorCurrent)
	}
}

// close ends sessions of a stream, the oldest first; those there are when the
// stream has fewer.
func (c *tandem) close(stream string, count int) {
	n, ok := c.number[stream]
	for ; ok && count > 0; count-- {
		id, some := c.oldest(n)
		if !some {
			break
		}
		c.rise(id)
	}
	c.prune()
}
