package member

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"tandem/internal/wire"
)

// notices tells both neighbours at the interval what this edge delivers, to whom
// and how far (claims 10, 11, 16-19). One goroutine a table at most is under
// way: a neighbour that hangs does not hold up the other.
func (m *Member) notices(ctx context.Context) error {
	ticker := time.NewTicker(m.cfg.NoticeEvery)
	defer ticker.Stop()
	var busy sync.Map
	var under sync.WaitGroup
	defer under.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		p := m.view.Placement()
		for _, t := range m.sessions.all() {
			t.mu.Lock()
			partner, id := t.partner, t.pair.ID
			t.mu.Unlock()
			edge, ok := p.Edge(partner)
			if !ok || edge.State == wire.EdgeDown {
				continue
			}
			if _, taken := busy.LoadOrStore(id, true); taken {
				continue
			}
			under.Add(1)
			go func() {
				defer under.Done()
				defer busy.Delete(id)
				m.sendNotice(ctx, edge.HTTP, t)
			}()
		}
	}
}

// sendNotice sends one notice; what it said is no news once it is acknowledged.
func (m *Member) sendNotice(ctx context.Context, address string, t *table) {
	n := t.notice(m.cfg.Name, m.incarnation.Load(), m.view.Placement().Version)
	ctx, cancel := context.WithTimeout(ctx, max(2*m.cfg.NoticeEvery, time.Second))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+wire.PathNotice, bytes.NewReader(n.Append(nil)))
	if err != nil {
		return
	}
	resp, err := m.call.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096))
	_ = resp.Body.Close()
	m.Counts.Notices.Add(1)
	switch resp.StatusCode {
	case http.StatusNoContent:
		t.acknowledged(n)
	case http.StatusConflict:
		t.startOver()
	}
}

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

// expire ends sessions that ask for nothing any more, and the newest ones of
// what does not fit for good.
func (m *Member) expire(ctx context.Context) error {
	ticker := time.NewTicker(min(time.Second, m.cfg.SessionIdle/4))
	defer ticker.Stop()
	over := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		m.Counts.Expired.Add(int64(m.sessions.expire(m.now().Add(-m.cfg.SessionIdle).UnixMilli())))
		if m.sessions.delivering() <= m.cfg.Capacity {
			over = 0
			continue
		}
		// A balancer that hears of it in the reports settles the boundaries anew; only
		// when that has not helped, there is no room anywhere.
		if over++; over < 3 {
			continue
		}
		if n := m.sessions.shed(); n > 0 {
			m.Counts.Shed.Add(int64(n))
			m.log.Warn().Int("sessions", n).Msg("above capacity and nobody has room: the newest sessions end")
		}
	}
}

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
				_ = m.post(ctx, time.Second, balancer+wire.PathReport, report, nil)
			}()
		}
	}
}

// Report is how this edge is now.
func (m *Member) Report(streams bool) wire.Report {
	traffic := m.traffic()
	r := wire.Report{
		Edge: m.cfg.Name, Incarnation: m.incarnation.Load(), Sequence: uint64(m.Counts.Reports.Add(1)), Version: m.view.Placement().Version,
		Keys: m.Keys.Version(), Capacity: m.cfg.Capacity, Waiting: traffic.Waiting, Recovery: m.recovery.Load(),
		SentBytes: traffic.SentBytes, Hits: traffic.Hits, Misses: traffic.Misses, OriginAsked: traffic.OriginAsked,
	}
	for _, t := range m.sessions.all() {
		load := t.load()
		r.Delivering += load.Delivering
		r.Pairs = append(r.Pairs, load)
	}
	stats := m.store.Stats()
	r.StoreBytes = stats.Bytes + stats.MemoryBytes
	if streams {
		r.Streams = m.storedStreams()
	}
	return r
}

// storedStreams are the placed streams of this edge's pairs.
func (m *Member) storedStreams() []string {
	p := m.view.Placement()
	list := []string{}
	for s := range p.Streams.All() {
		for _, id := range s.Pairs {
			if q, ok := p.Pair(id); ok && (q.Low == m.cfg.Name || q.High == m.cfg.Name) {
				list = append(list, s.Stream)
				break
			}
		}
	}
	return list
}
