package member

import (
	"context"
	"sync"
	"time"

	"tandem/internal/wire"
)

// reports tells all balancers at the interval how this edge is (claims 3, 4).
func (m *Member) reports(ctx context.Context) error {
	ticker := time.NewTicker(m.cfg.ReportEvery)
	defer ticker.Stop()
	var busy sync.Map
	var under sync.WaitGroup
	defer under.Wait()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		report := m.Report(n%8 == 0)
		for _, balancer := range m.balancers() {
			if _, taken := busy.LoadOrStore(balancer, true); taken {
				continue
			}
			under.Add(1)
			go func() {
				defer under.Done()
				defer busy.Delete(balancer)
				var answer wire.ReportAnswer
				if m.post(ctx, time.Second, balancer+wire.PathReport, report, &answer) == nil && answer.Majority {
					m.standIns.heardOfLeader()
				}
			}()
		}
	}
}

// Report is how this edge is now.
func (m *Member) Report(streams bool) wire.Report {
	traffic := m.traffic()
	r := wire.Report{
		Edge: m.cfg.Name, Incarnation: m.incarnation.Load(), Sequence: uint64(m.Counts.Reports.Add(1)), Version: m.view.Placement().Version,
		Keys: m.Keys.Version(), Capacity: m.cfg.Capacity, Waiting: traffic.Waiting, Recovery: m.copier.progress.Load(), StandsIn: m.standIns.list(),
		SentBytes: traffic.SentBytes, Hits: traffic.Hits, Misses: traffic.Misses, OriginAsked: traffic.OriginAsked,
	}
	for _, t := range m.tables.list() {
		load := t.load()
		r.Delivering += load.Delivering
		r.Pairs = append(r.Pairs, load)
	}
	stats := m.store.Stats()
	r.StoreBytes = stats.Bytes + stats.MemoryBytes
	if streams {
		r.Streams = storedStreams(m.view.Placement(), m.cfg.Name)
	}
	return r
}

// storedStreams are the placed streams of an edge's pairs.
func storedStreams(p *wire.Placement, edge string) []string {
	list := []string{}
	for s := range p.Streams.All() {
		for _, id := range s.Pairs {
			if q, ok := p.Pair(id); ok && (q.Low == edge || q.High == edge) {
				list = append(list, s.Stream)
				break
			}
		}
	}
	return list
}

// balancers are those of the configuration and those of the placement.
func (m *Member) balancers() []string {
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
