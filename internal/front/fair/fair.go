// Package fair lets clients have a loop in turn: whoever has had least of it goes first, so that
// one who asks for much waits for himself and not others for him. It is fair queueing by what
// service took (start-time fair queueing, Goyal, Vin and Cheng 1996), with clients for flows.
//
// Always true:
//   - what is taken is of a client that was given no more time than any other who waits;
//   - a client's own come in the order in which they were put;
//   - who has waited for nothing saves up nothing: he begins where those are who wait.
//
// Owned by one goroutine. Starts none.
package fair

import (
	"slices"
	"time"
)

// Queue is what waits, by client.
type Queue[C comparable, T any] struct {
	flows   map[C]*Flow[C, T]
	heap    []*Flow[C, T] // those with something that waits: the first was given least
	virtual time.Duration // what who is served now was given when he came to be
	length  int
}

// Flow is one client's.
type Flow[C comparable, T any] struct {
	client  C
	users   int           // Of, less Leave
	given   time.Duration // since the queue's beginning, those times aside in which nothing waited
	at      int           // in heap; -1: nothing waits
	waiting []T
	next    int // of waiting
}

// New makes an empty one.
func New[C comparable, T any]() *Queue[C, T] { return &Queue[C, T]{flows: map[C]*Flow[C, T]{}} }

// Of is the client's flow, until Leave.
func (q *Queue[C, T]) Of(client C) *Flow[C, T] {
	f := q.flows[client]
	if f == nil {
		f = &Flow[C, T]{client: client, at: -1}
		q.flows[client] = f
	}
	f.users++
	return f
}

// Leave ends an Of; what waits goes on to wait.
func (q *Queue[C, T]) Leave(f *Flow[C, T]) {
	if f.users--; f.users == 0 && f.at < 0 {
		q.forget(f)
	}
}

// forget is for one that nobody uses; the client may have another one by now.
func (q *Queue[C, T]) forget(f *Flow[C, T]) {
	if q.flows[f.client] == f {
		delete(q.flows, f.client)
	}
}

// Len is how many wait.
func (q *Queue[C, T]) Len() int { return q.length }

// Others tells whether somebody else waits than f.
func (q *Queue[C, T]) Others(f *Flow[C, T]) bool {
	return len(q.heap) > 1 || len(q.heap) == 1 && q.heap[0] != f
}

// Serves notes that f is served without having waited, since nobody does: Spent follows.
func (q *Queue[C, T]) Serves(f *Flow[C, T]) {
	f.given = max(f.given, q.virtual)
	q.virtual = f.given
}

// Put lets one wait.
func (q *Queue[C, T]) Put(f *Flow[C, T], one T) {
	f.waiting = append(f.waiting, one)
	q.waits(f)
}

// PutFirst lets one wait that goes before all of its client's others.
func (q *Queue[C, T]) PutFirst(f *Flow[C, T], one T) {
	f.waiting = slices.Insert(f.waiting, f.next, one)
	q.waits(f)
}

func (q *Queue[C, T]) waits(f *Flow[C, T]) {
	q.length++
	if f.at < 0 {
		f.given = max(f.given, q.virtual)
		f.at = len(q.heap)
		q.heap = append(q.heap, f)
		q.up(f.at)
	}
}

// Take gives the first of the client who was given least; false: nobody waits. What it then takes
// is told by Spent, before anything else is taken where one is served at a time.
func (q *Queue[C, T]) Take() (one T, of *Flow[C, T], ok bool) {
	if len(q.heap) == 0 {
		return one, nil, false
	}
	f := q.heap[0]
	q.virtual = max(q.virtual, f.given)
	var none T
	one, f.waiting[f.next] = f.waiting[f.next], none
	f.next++
	q.length--
	if f.next == len(f.waiting) {
		f.waiting, f.next = f.waiting[:0], 0
		q.remove()
	} else if f.next > 64 && f.next > len(f.waiting)/2 {
		n := copy(f.waiting, f.waiting[f.next:])
		clear(f.waiting[n:])
		f.waiting, f.next = f.waiting[:n], 0
	}
	return one, f, true
}

// Spent tells what was given to f.
func (q *Queue[C, T]) Spent(f *Flow[C, T], d time.Duration) {
	f.given += d
	switch {
	case f.at >= 0:
		q.down(f.at)
	case f.users == 0:
		q.forget(f)
	}
}

// remove takes the first flow out of the heap.
func (q *Queue[C, T]) remove() {
	last := len(q.heap) - 1
	q.heap[0].at = -1
	if last > 0 {
		q.heap[0] = q.heap[last]
		q.heap[0].at = 0
	}
	q.heap[last] = nil
	if q.heap = q.heap[:last]; last > 1 {
		q.down(0)
	}
}

func (q *Queue[C, T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if q.heap[parent].given <= q.heap[i].given {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

func (q *Queue[C, T]) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(q.heap); child++ {
			if q.heap[child].given < q.heap[least].given {
				least = child
			}
		}
		if least == i {
			return
		}
		q.swap(i, least)
		i = least
	}
}

func (q *Queue[C, T]) swap(i, j int) {
	q.heap[i], q.heap[j] = q.heap[j], q.heap[i]
	q.heap[i].at, q.heap[j].at = i, j
}
