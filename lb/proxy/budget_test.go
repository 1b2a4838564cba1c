package proxy

import (
	"testing"
	"time"
)

// The budget is a tenth of the requests and ten a second, no more.
func TestRetryBudget(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newRetryBudget(now)
	take := func() (n int) {
		for b.take(now) {
			n++
		}
		return n
	}
	if n := take(); n != budgetMost {
		t.Fatalf("%d at the start", n)
	}
	now = now.Add(time.Second)
	if n := take(); n != budgetRate {
		t.Fatalf("%d after a second", n)
	}
	for range 101 {
		b.earn()
	}
	if n := take(); n != 10 {
		t.Fatalf("%d after 101 requests", n)
	}
}
