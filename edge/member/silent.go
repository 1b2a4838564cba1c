package member

import (
	"context"
	"sync"
	"time"

	"tandem/internal/wire"
)

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
		for edge, silence := range m.silence.Silent(m.now(), limit) {
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
