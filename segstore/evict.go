package segstore

import "hash/maphash"

// The order in which objects leave: S3-FIFO (Yang and others, SOSP 2023). New
// objects wait in a short queue, from which those that were not asked for again
// leave first, so that a viewer who seeks through a film does not push out what
// the others watch. A hit only raises an object's heat: no lock, no list.
//
// This file is pure: it knows neither files nor maps of objects.

const (
	smallShare  = 10   // percent of the bytes that the short queue may hold
	maxHeat     = 3    // hits that are remembered
	ghostKeys   = 8192 // keys that left the short queue and are remembered
	maxAttempts = 1024 // objects in use that are passed over before giving up
)

// node is an object's place in the order.
type node struct {
	key        Key
	size       int64
	heat       counter
	list       *fifo // nil: in none
	left       *fifo // of which it was the victim
	prev, next *node
	object     *object
}

// fifo is a doubly linked queue of nodes, with a ring's root.
type fifo struct {
	root  node
	bytes int64
	count int
}

func (q *fifo) push(n *node) {
	if q.root.next == nil {
		q.root.next, q.root.prev = &q.root, &q.root
	}
	n.list, n.prev, n.next = q, q.root.prev, &q.root
	n.prev.next, n.next.prev = n, n
	q.bytes += n.size
	q.count++
}

func (q *fifo) drop(n *node) {
	n.prev.next, n.next.prev = n.next, n.prev
	n.list, n.prev, n.next = nil, nil, nil
	q.bytes -= n.size
	q.count--
}

func (q *fifo) oldest() *node {
	if q.count == 0 {
		return nil
	}
	return q.root.next
}

// order is the order in which the objects of one pool leave.
type order struct {
	small, main fifo
	seed        maphash.Seed
	ghost       map[uint64]int // hash of a key: its latest place in ring
	ring        []uint64
	next        int
}

func newOrder() *order {
	return &order{seed: maphash.MakeSeed(), ghost: make(map[uint64]int)}
}

// add puts n in; one that was thrown out not long ago has shown that it is asked
// for repeatedly.
func (o *order) add(n *node) {
	if n.list != nil {
		return
	}
	if _, known := o.ghost[o.hash(n.key)]; known {
		o.main.push(n)
		return
	}
	o.small.push(n)
}

// giveBack returns a victim that could not leave to the end of its queue.
func (o *order) giveBack(n *node) {
	if n.list == nil && n.left != nil {
		n.left.push(n)
	}
}

func (o *order) remove(n *node) {
	if n.list != nil {
		n.list.drop(n)
	}
}

// victim takes out the object that shall leave first; nil: there is none.
func (o *order) victim() *node {
	for {
		total := o.small.bytes + o.main.bytes
		n := o.main.oldest()
		if n == nil || o.small.count > 0 && o.small.bytes*100 > total*smallShare {
			n = o.small.oldest()
		}
		if n == nil {
			return nil
		}
		from := n.list
		from.drop(n)
		heat := n.heat.Load()
		switch {
		case heat > 0 && from == &o.main:
			n.heat.Store(min(heat, maxHeat) - 1)
			o.main.push(n)
		case heat > 0:
			n.heat.Store(0)
			o.main.push(n)
		default:
			if from == &o.small {
				o.remember(n.key)
			}
			n.left = from
			return n
		}
	}
}

func (o *order) remember(key Key) {
	hash := o.hash(key)
	if len(o.ring) < ghostKeys {
		o.ghost[hash] = len(o.ring)
		o.ring = append(o.ring, hash)
		return
	}
	if gone := o.ring[o.next]; o.ghost[gone] == o.next {
		delete(o.ghost, gone)
	}
	o.ring[o.next] = hash
	o.ghost[hash] = o.next
	o.next = (o.next + 1) % ghostKeys
}

func (o *order) hash(key Key) uint64 { return maphash.String(o.seed, key) }
