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

// noticesAtOnce is how many notices of a table may be on their way to one watcher.
const noticesAtOnce = 3

// notices tells all that watch a table, at the interval, what this edge delivers, to
// whom and how far (claims 10, 11, 16-19).
func (m *Member) notices(ctx context.Context) error {
	return m.tables.tell(ctx, m.cfg.NoticeEvery, m.nextNotice, m.sendNotice)
}

// tell lets send take the next notice to each watcher of each table at the interval:
// what is known here is there an interval later, and the time that a notice takes. One
// that has no answer by then does not hold up the next, which says all that it said, so
// that what is lost is there another interval later. One that tells a table whole, and may be
// large, goes alone.
func (s *tables) tell(ctx context.Context, interval time.Duration, next func(t *table, to string) *outgoing, send func(ctx context.Context, t *table, to string, o *outgoing)) error {
	var mu sync.Mutex
	sent := map[noticeWay]int{}
	return silence.Every(ctx, interval, func(under *sync.WaitGroup) {
		for _, t := range s.list() {
			for _, way := range t.ways() {
				mu.Lock()
				full := sent[way] >= noticesAtOnce
				mu.Unlock()
				if full {
					continue
				}
				o := next(t, way.to)
				if o == nil {
					continue
				}
				n := 1
				if o.notice.Covers.To > 0 {
					n = noticesAtOnce
				}
				mu.Lock()
				sent[way] += n
				mu.Unlock()
				under.Go(func() {
					send(ctx, t, way.to, o)
					mu.Lock()
					defer mu.Unlock()
					if sent[way] -= n; sent[way] == 0 {
						delete(sent, way)
					}
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

// nextNotice is what to tell a watcher now; nil: nothing can be told.
func (m *Member) nextNotice(t *table, to string) *outgoing {
	p := m.view.Placement()
	edge, ok := p.Edge(to)
	if !ok {
		return nil
	}
	o := t.notice(to, m.incarnation.Load(), m.tables.sequence.Add(1), p.Version)
	if o != nil {
		o.at = edge.HTTP
	}
	return o
}

// sendNotice sends one notice; what it said is no news once it is acknowledged.
func (m *Member) sendNotice(ctx context.Context, t *table, to string, o *outgoing) {
	ctx, cancel := context.WithTimeout(ctx, noticeLimit(time.Duration(m.cfg.SilentFor)*m.cfg.NoticeEvery, o.notice))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.at+wire.PathNotice, bytes.NewReader(o.notice.Append(nil)))
	if err != nil {
		return
	}
	resp, err := m.call.Do(req)
	if err != nil {
		m.Foresight.sign(to)
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
