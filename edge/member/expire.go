package member

import (
	"context"
	"sync"
	"time"

	"tandem/edge/silence"
)

// expire ends sessions that ask for nothing any more, and the newest ones of
// what does not fit for good.
func (m *Member) expire(ctx context.Context) error {
	over := 0
	return silence.Every(ctx, min(time.Second, m.cfg.SessionIdle/4, m.cfg.ProvisionalIdle/4), func(*sync.WaitGroup) {
		soon := min(m.cfg.ProvisionalIdle, m.cfg.SessionIdle)
		m.Counts.Expired.Add(int64(m.tables.expire(m.clock.Now().UnixMilli(), m.cfg.SessionIdle.Milliseconds(), soon.Milliseconds())))
		if m.tables.delivering() <= m.Capacity() {
			over = 0
			return
		}
		// A balancer that hears of it in the reports settles the boundaries anew; only
		// when that has not helped, there is no room anywhere.
		if over++; over < 3 {
			return
		}
		if n := m.tables.shed(); n > 0 {
			m.Counts.Shed.Add(int64(n))
			m.log.Warn().Int("sessions", n).Msg("above capacity and nobody has room: the newest sessions end")
		}
	})
}
