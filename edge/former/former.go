// Package former keeps what an edge had counted in its former lives, as balancers tell it: so
// that sums of a cluster go on where an edge, or a balancer that had heard it, starts anew.
//
// Always true: no figure falls. May be lost: all of it, where the edge and every balancer start
// anew in one moment, and what was counted since the last report before a death.
//
// Guards: Counts.mu. The package starts no goroutine.
package former

import (
	"sync"

	"tandem/internal/wire"
)

// Counts are those of all former lives. The zero value knows of none.
type Counts struct {
	Life int64 // of this process: when it began, unix milliseconds

	mu   sync.Mutex
	most wire.Traffic // guarded by mu
}

// Heard takes what a balancer knows of them; nil: nothing.
func (c *Counts) Heard(t *wire.Traffic) {
	if t == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = c.most.With(*t, func(a, b int64) int64 { return max(a, b) })
}

// Told is what balancers are told of them; nil: nothing is known.
func (c *Counts) Told() *wire.Traffic {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.most == (wire.Traffic{}) {
		return nil
	}
	most := c.most
	return &most
}
