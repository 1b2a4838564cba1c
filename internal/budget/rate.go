package budget

import (
	"math"
	"sync"
	"time"

	"tandem/internal/wire"
)

// maxRated bounds the clients that a rate limit knows; beyond, who has most left is
// forgotten.
const maxRated = 20_000

// Rate is a token bucket for each client: what one may do a minute, all of it at
// once if it likes.
type Rate struct {
	each int // a minute; 0: any number
	now  func() time.Time

	mu      sync.Mutex
	buckets map[string]bucket // by client; guarded by mu
}

type bucket struct {
	spent float64 // at
	at    time.Time
}

// NewRate bounds a client to so many a minute; 0: any number.
func NewRate(each int, now func() time.Time) *Rate {
	return &Rate{each: each, now: now, buckets: map[string]bucket{}}
}

// Left tells whether a client has something left.
func (l *Rate) Left(address string) bool {
	if l.each == 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spent(wire.ClientOf(address), l.now())+1 <= float64(l.each)
}

// Spend takes so much from what a client has left.
func (l *Rate) Spend(address string, n int) {
	if l.each == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	client, now := wire.ClientOf(address), l.now()
	spent := l.spent(client, now) + float64(n)
	if _, known := l.buckets[client]; !known && len(l.buckets) >= maxRated {
		l.forget(now)
	}
	l.buckets[client] = bucket{spent, now}
}

// spent needs mu.
func (l *Rate) spent(client string, now time.Time) float64 {
	b := l.buckets[client]
	return max(0, b.spent-now.Sub(b.at).Minutes()*float64(l.each))
}

// forget drops those that have all left again; where none has, the one of a few that
// has most left. It needs mu.
func (l *Rate) forget(now time.Time) {
	const few = 64
	seen, most, least := 0, "", math.Inf(1)
	for client := range l.buckets {
		spent := l.spent(client, now)
		if spent == 0 {
			delete(l.buckets, client)
			return
		}
		if spent < least {
			most, least = client, spent
		}
		if seen++; seen == few {
			break
		}
	}
	delete(l.buckets, most)
}
