package sim

import (
	"tandem/internal/ring"
	"tandem/internal/wire"
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
// the stream, a slot on the chosen member's side; if that side is full, room, and
// all over again.
func (c *tandem) admit(stream string, number int32) bool {
	for range openRounds {
		choice := ring.Choose(c.p, c.loads, stream)
		if choice.Edge == "" {
			if c.relieve() {
				continue
			}
			return false
		}
		if choice.Place {
			c.store(stream, choice.Pair)
		}
		q, _ := c.p.Pair(choice.Pair)
		if slot, ok := c.allot(q, choice.Edge); ok {
			c.bind(q, slot, number)
			c.loads.Delivering[choice.Edge]++
			return true
		}
		limit := c.loads.Limits[choice.Edge]
		if choice.Above {
			limit = ring.Grants(c.p, choice.Edge)
		}
		if !c.makeRoom(q, choice.Edge, limit-c.loads.Delivering[choice.Edge]) {
			return false
		}
	}
	return false
}

// openRounds is more than an opening ever needs: each room that is made fills an
// edge to its limit or gives it a slot.
const openRounds = 64

func (c *tandem) allot(q *wire.Pair, edge string) (slot int, ok bool) {
	return c.tables[q.ID].Allot(ring.Owned(c.p, q, edge), ring.ViewOf(q, edge), ring.PairLimit(c.p, q))
}

// makeRoom moves boundary and home of a pair, which is what a balancer proposes
// to a member that answers side_full. Sessions may change sides by it. Of a pair
// that has given slots away the spill-over is reckoned anew.
func (c *tandem) makeRoom(q *wire.Pair, edge string, most int) bool {
	if len(q.Adopted) > 0 {
		before := c.p
		c.change(ring.AnchorCurrent, func() {})
		return c.p != before
	}
	boundary, ok := ring.Room(c.p, q, c.tables[q.ID], edge, most)
	if ok {
		c.moveBoundary(q, boundary)
	}
	return ok
}

// relieve moves a boundary where an edge has room and its pairs are full, as a balancer
// does before it refuses a viewer.
func (c *tandem) relieve() bool {
	r, ok := ring.Relieve(c.p, c.loads, func() map[wire.PairID]*ring.Table { return c.tables })
	if !ok {
		return false
	}
	q, _ := c.p.Pair(r.Pair)
	c.moveBoundary(q, r.Boundary(q, c.tables[q.ID]))
	return true
}

// moveBoundary moves boundary and home, and counts who changes sides.
func (c *tandem) moveBoundary(q *wire.Pair, boundary int) {
	t := c.tables[q.ID]
	toLow := t.Below(boundary) - t.Below(q.Boundary)
	q.Boundary, q.Home = boundary, boundary
	c.loads.Delivering[q.Low] += toLow
	c.loads.Delivering[q.High] -= toLow
	c.count.Moved += max(toLow, -toLow)
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
