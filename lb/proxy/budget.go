package proxy

import (
	"sync"
	"time"
)

// A retry budget: what is asked twice never grows into a second load. A request
// earns a tenth of a retry, and ten a second are free.
const (
	budgetShare = 0.1
	budgetRate  = 10.0 // a second
	budgetMost  = 50.0
)

// retryBudget is a token bucket. A response's first takeover is not charged.
type retryBudget struct {
	mu   sync.Mutex
	left float64   // guarded by mu
	at   time.Time // guarded by mu
}

func newRetryBudget(now time.Time) *retryBudget {
	return &retryBudget{left: budgetMost, at: now}
}

// earn counts a request.
func (b *retryBudget) earn() {
	b.mu.Lock()
	b.left = min(b.left+budgetShare, budgetMost)
	b.mu.Unlock()
}

// take tells whether a further retry may be made now, and counts it.
func (b *retryBudget) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+max(now.Sub(b.at).Seconds(), 0)*budgetRate, budgetMost)
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
