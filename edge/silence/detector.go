package silence

import (
	"sync"
	"time"

	"tandem/internal/wire"
)

// Detector knows when each neighbour was last heard (claims 10, 11).
type Detector struct {
	mu   sync.Mutex
	last map[string]time.Time // neighbours that should be heard; guarded by mu
	told map[string]time.Time // when a silence was last told; guarded by mu
}

// Heard notes that a neighbour was heard.
func (d *Detector) Heard(edge string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.last[edge]; ok {
		d.last[edge] = now
	}
}

// Follow listens for those who share a pair with me and are alive.
func (d *Detector) Follow(p *wire.Placement, me string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := map[string]time.Time{}
	for i := range p.Pairs {
		q := &p.Pairs[i]
		other := ""
		switch me {
		case q.Low:
			other = q.High
		case q.High:
			other = q.Low
		}
		if edge, ok := p.Edge(other); ok && edge.State != wire.EdgeDown && edge.State != wire.EdgeJoining {
			next[other] = now
			if was, ok := d.last[other]; ok {
				next[other] = was
			}
		}
	}
	d.last = next
	if d.told == nil {
		d.told = map[string]time.Time{}
	}
}

// Quiet lists the neighbours that have not been heard for limit.
func (d *Detector) Quiet(now time.Time, limit time.Duration) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []string
	for edge, last := range d.last {
		if now.Sub(last) >= limit {
			list = append(list, edge)
		}
	}
	return list
}

// Silent lists the neighbours that have not been heard for limit, each at most
// once a limit.
func (d *Detector) Silent(now time.Time, limit time.Duration) map[string]time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found map[string]time.Duration
	for edge, last := range d.last {
		if now.Sub(last) < limit || now.Sub(d.told[edge]) < limit {
			continue
		}
		if found == nil {
			found = map[string]time.Duration{}
		}
		found[edge] = now.Sub(last)
		d.told[edge] = now
	}
	return found
}
