package keywait

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// keys is a ring whose changes the test makes.
type keys struct {
	mu      sync.Mutex
	changed chan struct{}
	here    bool
}

func (k *keys) next() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.changed
}

func (k *keys) known() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.here
}

func (k *keys) change(here bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.changed)
	k.changed, k.here = make(chan struct{}), here
}

// A key that comes late is waited for, past changes that bring others; one that does not
// come for the limit alone.
func TestAKeyIsWaitedForAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Room
		k := &keys{changed: make(chan struct{})}
		go func() {
			time.Sleep(Limit / 4)
			k.change(false)
			time.Sleep(Limit / 4)
			k.change(true)
		}()
		begun := time.Now()
		r.Until(t.Context(), k.next, k.known)
		if took := time.Since(begun); took != Limit/2 || !k.known() {
			t.Errorf("%s, known: %v", took, k.known())
		}
		k.change(false)
		begun = time.Now()
		r.Until(t.Context(), k.next, k.known)
		if took := time.Since(begun); took != Limit {
			t.Errorf("one that never comes: %s", took)
		}
		gone, stop := context.WithCancel(t.Context())
		stop()
		begun = time.Now()
		r.Until(gone, k.next, k.known)
		if took := time.Since(begun); took != 0 {
			t.Errorf("for somebody who has gone: %s", took)
		}
	})
}

// Of strangers who name keys that nobody has only so many wait: who comes then is told at
// once, and somebody waits again when they have gone.
func TestFewWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Room
		k := &keys{changed: make(chan struct{})}
		for range most {
			go r.Until(t.Context(), k.next, k.known)
		}
		synctest.Wait()
		begun := time.Now()
		r.Until(t.Context(), k.next, k.known)
		if took := time.Since(begun); took != 0 {
			t.Errorf("one too many waited %s", took)
		}
		time.Sleep(2 * Limit)
		begun = time.Now()
		r.Until(t.Context(), k.next, k.known)
		if took := time.Since(begun); took != Limit {
			t.Errorf("after them: %s", took)
		}
	})
}
