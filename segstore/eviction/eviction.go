// Package eviction is the order in which objects leave: S3-FIFO (Yang and others, SOSP 2023). New
// objects wait in a short queue, from which those that were not asked for again
// leave first, so that a viewer who seeks through a film does not push out what
// the others watch. A hit only raises an object's heat: no lock, no list.
//
// Always true: a node is in one queue or in none; the keys that are remembered are bounded.
// Guarded by: its caller, heat aside. It is pure: it knows neither files nor maps of objects.
// Goroutines: none.
package eviction

import (
	"hash/maphash"
	"sync/atomic"
)

const (
	smallShare = 10   // percent of the bytes that the short queue may hold
	maxHeat    = 3    // hits that are remembered
	ghostKeys  = 8192 // keys that left the short queue and are remembered
)

// Node is an object's place in the order.
type Node[T any] struct {
	Key    string
	Size   int64
	Object *T

	heat       atomic.Int64
	list       *fifo[T] // nil: in none
	left       *fifo[T] // of which it was the victim
	prev, next *Node[T]
}

// Hit notes that the object was asked for. It may be called beside everything else.
func (n *Node[T]) Hit() {
	if n.heat.Load() < maxHeat {
		n.heat.Add(1)
	}
}

// fifo is a doubly linked queue of nodes, with a ring's root.
type fifo[T any] struct {
	root  Node[T]
	bytes int64
	count int
}

func (q *fifo[T]) push(n *Node[T]) {
	if q.root.next == nil {
		q.root.next, q.root.prev = &q.root, &q.root
	}
	n.list, n.prev, n.next = q, q.root.prev, &q.root
	n.prev.next, n.next.prev = n, n
	q.bytes += n.Size
	q.count++
}

func (q *fifo[T]) drop(n *Node[T]) {
	n.prev.next, n.next.prev = n.next, n.prev
	n.list, n.prev, n.next = nil, nil, nil
	q.bytes -= n.Size
	q.count--
}

func (q *fifo[T]) oldest() *Node[T] {
	if q.count == 0 {
		return nil
	}
	return q.root.next
}

// Order is the order in which the objects of one pool leave.
type Order[T any] struct {
	small, main fifo[T]
	seed        maphash.Seed
	ghost       map[uint64]int // hash of a key: its latest place in ring
	ring        []uint64
	next        int
}

// New is the order of a pool that is empty.
func New[T any]() *Order[T] {
	return &Order[T]{seed: maphash.MakeSeed(), ghost: make(map[uint64]int)}
}

// Add puts n in; one that was thrown out not long ago has shown that it is asked
// for repeatedly.
func (o *Order[T]) Add(n *Node[T]) {
	if n.list != nil {
		return
	}
	if _, known := o.ghost[o.hash(n.Key)]; known {
		o.main.push(n)
		return
	}
	o.small.push(n)
}

// GiveBack returns a victim that could not leave to the end of its queue.
func (o *Order[T]) GiveBack(n *Node[T]) {
	if n.list == nil && n.left != nil {
		n.left.push(n)
	}
}

// Remove takes n out, wherever it is.
func (o *Order[T]) Remove(n *Node[T]) {
	if n.list != nil {
		n.list.drop(n)
	}
}

// Victim takes out the object that shall leave first; nil: there is none.
func (o *Order[T]) Victim() *Node[T] {
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
				o.remember(n.Key)
			}
			n.left = from
			return n
		}
	}
}

func (o *Order[T]) remember(key string) {
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

func (o *Order[T]) hash(key string) uint64 { return maphash.String(o.seed, key) }
