package member

import (
	"context"
	"sync"
	"time"

	"tandem/edge/recovery"
	"tandem/edge/silence"
	"tandem/internal/wire"
)

// reports tells all balancers at the interval how this edge is (claims 3, 4).
func (m *Member) reports(ctx context.Context) error {
	var busy sync.Map
	n := 0
	return silence.Every(ctx, m.cfg.ReportEvery, func(under *sync.WaitGroup) {
		report := m.Report(n%8 == 0)
		n++
		for _, balancer := range m.Balancers() {
			if _, taken := busy.LoadOrStore(balancer, true); taken {
				continue
			}
			under.Go(func() {
				defer busy.Delete(balancer)
				var answer wire.ReportAnswer
				if m.post(ctx, time.Second, balancer+wire.PathReport, report, &answer) != nil {
					return
				}
				m.clock.Heard(balancer, answer.Time)
				m.heard(answer)
				if answer.Majority {
					m.standIns.HeardOfLeader()
					m.lag.Told(answer.Version, m.base.Load().Version, m.now(), lagReports*m.cfg.ReportEvery)
				}
			})
		}
	})
}

// Report is how this edge is now.
func (m *Member) Report(streams bool) wire.Report {
	r := m.traffic()
	r.Edge, r.Incarnation, r.Sequence, r.Version = m.cfg.Name, m.incarnation.Load(), uint64(m.Counts.Reports.Add(1)), m.view.Placement().Version
	r.Keys, r.Capacity, r.Recovery, r.StandsIn, r.Takeovers = m.Keys.Version(), m.Capacity(), m.Copier.Progress.Load(), m.standIns.List(), m.tables.counts.List()
	r.Opened, r.Time = m.tables.opened.Load(), m.now().UnixMilli() // opened: before they are counted
	for _, t := range m.tables.list() {
		load := t.load()
		r.Delivering += load.Delivering
		r.Pairs = append(r.Pairs, load)
	}
	stats := m.store.Stats()
	r.StoreBytes = stats.Bytes + stats.MemoryBytes
	if why := m.store.Unwritable(); why != nil {
		r.Unwritable = why.Error()
	}
	if streams {
		r.Streams = recovery.Stored(m.store, m.view.Placement(), recovery.MaxStreams)
	}
	return r
}

// Balancers are those of the configuration and those of the placement.
func (m *Member) Balancers() []string {
	list := append([]string(nil), m.cfg.Balancers...)
	for _, b := range m.view.Placement().Balancers {
		known := false
		for _, have := range list {
			known = known || have == b.HTTP
		}
		if !known && b.HTTP != "" {
			list = append(list, b.HTTP)
		}
	}
	return list
}
