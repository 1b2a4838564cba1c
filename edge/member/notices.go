package member

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"tandem/edge/silence"

	"tandem/internal/wire"
)

// noticeWay is who is told of which table.
type noticeWay struct {
	pair wire.PairID
	to   string
}

// notices tells all that watch a table, at the interval, what this edge delivers, to
// whom and how far (claims 10, 11, 16-19).
func (m *Member) notices(ctx context.Context) error {
	return m.tables.tell(ctx, m.cfg.NoticeEvery, m.sendNotice)
}

// tell lets send go to each watcher of each table at the interval: what is known here is
// there an interval later, and the time that a notice takes. One goroutine a watcher of
// a table at most is under way: one that hangs does not hold up the others.
func (s *tables) tell(ctx context.Context, interval time.Duration, send func(ctx context.Context, t *table, to string)) error {
	var busy sync.Map
	return silence.Every(ctx, interval, func(under *sync.WaitGroup) {
		for _, t := range s.list() {
			for _, way := range t.ways() {
				if _, taken := busy.LoadOrStore(way, true); taken {
					continue
				}
				under.Go(func() {
					defer busy.Delete(way)
					send(ctx, t, way.to)
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

// wholeLimit is how long a notice may take that tells a table whole, and may be large.
const wholeLimit = time.Second

// noticeLimit is how long a notice is waited for to a neighbour that may be silent so
// long.
func noticeLimit(silent time.Duration, n *wire.Notice) time.Duration {
	if n.Covers.To > 0 {
		return max(silent, wholeLimit)
	}
	return silent
}

// sendNotice sends one notice; what it said is no news once it is acknowledged. One that
// is lost holds up the next for no longer than its receiver may be silent.
func (m *Member) sendNotice(ctx context.Context, t *table, to string) {
	p := m.view.Placement()
	edge, ok := p.Edge(to)
	if !ok {
		return
	}
	o := t.notice(to, m.incarnation.Load(), m.tables.sequence.Add(1), p.Version)
	if o == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, noticeLimit(time.Duration(m.cfg.SilentFor)*m.cfg.NoticeEvery, o.notice))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, edge.HTTP+wire.PathNotice, bytes.NewReader(o.notice.Append(nil)))
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
