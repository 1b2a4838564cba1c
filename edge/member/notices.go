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

// noticeWay is who is told of which table.
type noticeWay struct {
	pair wire.PairID
	to   string
}

// notices tells all that watch a table, at the interval, what this edge delivers, to
// whom and how far (claims 10, 11, 16-19). One goroutine a watcher of a table at most
// is under way: one that hangs does not hold up the others.
func (m *Member) notices(ctx context.Context) error {
	var busy sync.Map
	return every(ctx, m.cfg.NoticeEvery, func(under *sync.WaitGroup) {
		p := m.view.Placement()
		for _, t := range m.tables.list() {
			for _, way := range t.ways() {
				edge, ok := p.Edge(way.to)
				if !ok {
					continue
				}
				if _, taken := busy.LoadOrStore(way, true); taken {
					continue
				}
				under.Go(func() {
					defer busy.Delete(way)
					m.sendNotice(ctx, edge.HTTP, t, way.to)
				})
			}
		}
	})
}

// ways lists who is to be told of this table.
func (t *table) ways() []noticeWay {
	t.mu.Lock()
	defer t.mu.Unlock()
	ways := make([]noticeWay, 0, len(t.watchers))
	for name := range t.watchers {
		ways = append(ways, noticeWay{t.pair.ID, name})
	}
	return ways
}

// sendNotice sends one notice; what it said is no news once it is acknowledged.
func (m *Member) sendNotice(ctx context.Context, address string, t *table, to string) {
	o := t.notice(to, m.incarnation.Load(), m.tables.sequence.Add(1), m.view.Placement().Version)
	if o == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, max(2*m.cfg.NoticeEvery, time.Second))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+wire.PathNotice, bytes.NewReader(o.notice.Append(nil)))
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
		t.acknowledged(o)
	case http.StatusConflict:
		t.refused(o)
	}
}
