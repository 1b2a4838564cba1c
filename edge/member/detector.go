package member

import (
	"context"
	"sync"
	"time"

	"tandem/internal/wire"
)

// detector knows when each neighbour was last heard (claims 10, 11).
type detector struct {
	mu   sync.Mutex
	last map[string]time.Time // neighbours that should be heard; guarded by mu
	told map[string]time.Time // when a silence was last told; guarded by mu
}

func (d *detector) heard(edge string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.last[edge]; ok {
		d.last[edge] = now
	}
}

// follow listens for those who share a pair with me and are alive.
func (d *detector) follow(p *wire.Placement, me string, now time.Time) {
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

// quiet lists the neighbours that have not been heard for limit.
func (d *detector) quiet(now time.Time, limit time.Duration) []string {
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

// silent lists the neighbours that have not been heard for limit, each at most
// once a limit.
func (d *detector) silent(now time.Time, limit time.Duration) map[string]time.Duration {
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

// detect tells the balancers of neighbours that are silent. Whether they are
// dead is not decided here.
func (m *Member) detect(ctx context.Context) error {
	limit := time.Duration(m.cfg.SilentFor) * m.cfg.NoticeEvery
	ticker := time.NewTicker(m.cfg.NoticeEvery / 4)
	defer ticker.Stop()
	var under sync.WaitGroup
	defer under.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for edge, silence := range m.detector.silent(m.now(), limit) {
			neighbour, ok := m.view.Placement().Edge(edge)
			if !ok {
				continue
			}
			m.Counts.Suspected.Add(1)
			m.view.BackOff(edge)
			s := wire.Suspicion{Edge: edge, Incarnation: neighbour.Incarnation, By: m.cfg.Name, Cause: "silent", SilentMS: silence.Milliseconds()}
			for _, balancer := range m.balancers() {
				under.Add(1)
				go func() {
					defer under.Done()
					_ = m.post(ctx, time.Second, balancer+wire.PathSuspect, s, nil)
				}()
			}
		}
	}
}
