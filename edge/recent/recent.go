// Package recent remembers names of which something is known for a minute.
package recent

import (
	"sync"
	"time"
)

// Names are what is remembered. Safe for many goroutines; the zero value is ready.
type Names struct {
	mu    sync.Mutex
	until map[string]time.Time // guarded by mu
}

const (
	lasts = time.Minute
	most  = 1000
)

// Has tells whether a name is remembered at now.
func (n *Names) Has(name string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return now.Before(n.until[name])
}

// Add remembers a name from now on. When there are too many all others are forgotten.
func (n *Names) Add(name string, now time.Time) { n.AddUntil(name, now.Add(lasts)) }

// AddUntil is Add for another time than a minute.
func (n *Names) AddUntil(name string, until time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.until == nil || len(n.until) >= most {
		n.until = map[string]time.Time{}
	}
	n.until[name] = until
}
