package member

import (
	"context"
	"time"

	"tandem/edge/silence"
	"tandem/internal/wire"
)

// leaveEvery is how often an edge that is leaving looks whether it has left.
const leaveEvery = 10 * time.Millisecond

// Leave lets the neighbours take over what this edge has, before its process
// ends: a planned takeover. It returns when the placement shows it or ctx has
// ended; the edge serves whoever still comes.
func (m *Member) Leave(ctx context.Context) {
	m.leaving.Store(true)
	asked := time.Time{}
	for turn := 0; ctx.Err() == nil; {
		self, ok := m.view.Placement().Edge(m.cfg.Name)
		if !ok || self.State == wire.EdgeDown || self.Incarnation != m.incarnation.Load() {
			return
		}
		if time.Since(asked) >= openWaits { // else the placement is on its way
			balancer := m.cfg.Balancers[turn%len(m.cfg.Balancers)]
			turn++
			err := m.post(ctx, 3*time.Second, balancer+wire.PathStopping, wire.Stopping{Edge: m.cfg.Name, Incarnation: m.incarnation.Load()}, nil)
			if err == nil {
				asked = time.Now()
			} else if ctx.Err() == nil {
				m.log.Warn().Err(err).Str("balancer", balancer).Msg("could not hand over before stopping; trying the next balancer")
			}
		}
		silence.Wait(ctx, leaveEvery)
	}
}
