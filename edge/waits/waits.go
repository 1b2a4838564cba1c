// Package waits keeps edges from waiting for each other in a circle. What one of a pair lacks
// it asks of the other, which asks the origin; where a stream is on several pairs that other
// one may be waiting for the next edge of the ring, in a pair of its own, and so on around.
//
// Always true:
//   - no neighbour waits here for what is asked of a neighbour from here: it is told so, and
//     asks the origin;
//   - nothing is asked of a neighbour while a neighbour waits here for it: the origin is.
//
// So every wait ends at the origin, whatever placements the edges go by meanwhile.
//
// Guarded by: Waits.mu. May be lost: nothing is kept.
//
// The package starts no goroutine.
package waits

import "sync"

// Waits are an edge's, by what is waited for. The zero value is ready.
type Waits struct {
	mu      sync.Mutex
	asked   map[string]int // of neighbours; guarded by mu
	waiting map[string]int // neighbours, here; guarded by mu
}

// Ask begins to ask a neighbour, until done is called. false: one waits here for it.
func (w *Waits) Ask(name string) (done func(), ok bool) {
	return w.begin(name, &w.asked, &w.waiting)
}

// Wait begins a neighbour's wait, until done is called. false: a neighbour is asked for it.
func (w *Waits) Wait(name string) (done func(), ok bool) {
	return w.begin(name, &w.waiting, &w.asked)
}

func (w *Waits) begin(name string, mine, other *map[string]int) (done func(), ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if (*other)[name] > 0 {
		return func() {}, false
	}
	if *mine == nil {
		*mine = map[string]int{}
	}
	(*mine)[name]++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if (*mine)[name]--; (*mine)[name] == 0 {
			delete(*mine, name)
		}
	}, true
}
