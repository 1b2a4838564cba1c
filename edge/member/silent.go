package member

import (
	"context"
	"slices"
	"sync"
	"time"

	"tandem/edge/silence"

	"tandem/internal/ring"
	"tandem/internal/wire"
)

// detect tells the balancers of neighbours that are silent. Whether they are
// dead is not decided here.
func (m *Member) detect(ctx context.Context) error {
	limit := time.Duration(m.cfg.SilentFor) * m.cfg.NoticeEvery
	return silence.Every(ctx, m.cfg.NoticeEvery/4, func(under *sync.WaitGroup) {
		for _, edge := range m.silence.Quiet(m.now(), max(limit-m.cfg.NoticeEvery, m.cfg.NoticeEvery)) {
			m.Foresight.sign(edge)
		}
		for edge, silence := range m.silence.Silent(m.now(), limit) {
			neighbour, ok := m.view.Placement().Edge(edge)
			if !ok {
				continue
			}
			m.Counts.Suspected.Add(1)
			m.view.BackOff(edge)
			s := wire.Suspicion{Edge: edge, Incarnation: neighbour.Incarnation, By: m.cfg.Name, Cause: "silent", SilentMS: silence.Milliseconds()}
			for _, balancer := range m.Balancers() {
				under.Go(func() { _ = m.post(ctx, time.Second, balancer+wire.PathSuspect, s, nil) })
			}
		}
	})
}

// standIn looks after every neighbour that falls silent, each in a child of its own.
func (m *Member) standIn(ctx context.Context) error {
	limit := time.Duration(m.cfg.SilentFor) * m.cfg.NoticeEvery
	var watched sync.Map
	return silence.Every(ctx, m.cfg.NoticeEvery, func(under *sync.WaitGroup) {
		for _, name := range m.silence.Quiet(m.now(), limit) {
			e, ok := m.base.Load().Edge(name)
			if !ok {
				continue
			}
			life := ring.Life{Edge: name, Incarnation: e.Incarnation}
			if _, taken := watched.LoadOrStore(life, true); taken {
				continue
			}
			under.Go(func() {
				defer watched.Delete(life)
				m.standIns.Watch(ctx, life, func() bool { return slices.Contains(m.silence.Quiet(m.now(), limit), name) })
			})
		}
	})
}
