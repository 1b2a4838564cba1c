package streams

import (
	"testing"
	"testing/synctest"
)

// TestWorkersAreUsedAgain: who has answered answers again, so many of them are kept, and
// all end.
func TestWorkersAreUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorkers()
		begun, goes := 0, make(chan struct{})
		for range workersKept + 10 {
			w.run(func() { <-goes })
			synctest.Wait()
		}
		if n := len(w.kept); n != 0 {
			t.Fatalf("%d wait while all are at work", n)
		}
		close(goes)
		if synctest.Wait(); len(w.kept) != workersKept {
			t.Fatalf("%d are kept", len(w.kept))
		}
		held := make(chan struct{})
		for range workersKept {
			w.run(func() { begun++; <-held })
			synctest.Wait()
		}
		if begun != workersKept || len(w.kept) != 0 {
			t.Errorf("%d begun, %d wait: others were begun than those that waited", begun, len(w.kept))
		}
		close(held)
		w.end()
		w.end()
		if len(w.kept) != 0 {
			t.Errorf("%d are left", len(w.kept))
		}
	})
}
