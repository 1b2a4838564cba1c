package proxy

import (
	"sync"
	"sync/atomic"
)

// Taker is a viewer's connection, and how it takes what it is given. Where nobody knows
// of one it is nil.
type Taker struct {
	eager atomic.Bool // it took its last long body at once

	mu     sync.Mutex
	served map[*attempt]*response // in goroutines; guarded by mu
}

func (t *Taker) isEager() bool { return t != nil && t.eager.Load() }

// note keeps for the next body how the last one was taken.
func (t *Taker) note(eager bool) {
	if t != nil && t.eager.Load() != eager {
		t.eager.Store(eager)
	}
}

// join is for an attempt of one of the viewer's responses.
func (t *Taker) join(k *response, a *attempt) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.served == nil {
		t.served = map[*attempt]*response{}
	}
	t.served[a] = k
}

// leave is for the end of a response.
func (t *Taker) leave(k *response) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for a, of := range t.served {
		if of == k {
			delete(t.served, a)
		}
	}
}

// Held is what the kernel has received for the viewer and goroutines have not given it
// yet, in bytes. What a loop has is known to the loop.
func (t *Taker) Held() (sum int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for a := range t.served {
		if u := a.live.Load(); u != nil {
			sum += u.Held()
		}
	}
	return sum
}
