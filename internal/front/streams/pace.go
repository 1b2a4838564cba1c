package streams

import (
	"os"
	"time"

	"golang.org/x/net/http2"
)

// What a client does not let a stream send waits here, and not in the kernel, where who
// looks at sockets finds it: a client that leaves its windows closed, and answers pings,
// would hold a connection to an edge for each of them for ever. So each part of an answer
// has its time. For how long there is nothing to send is not the client's fault.
const (
	pacePart  = 16 << 10         // bytes, of which each has its time
	paceGrace = 10 * time.Second // beside what such a part may take by MinRate
)

// pace is how a stream's answer is taken. It is guarded by conn.mu.
type pace struct {
	since time.Time // the part that is being sent began; zero: none is
	sent  int       // bytes of it
}

func (p *pace) begin() { *p = pace{since: time.Now()} }
func (p *pace) end()   { *p = pace{} }

func (p *pace) goes(n int) {
	if p.sent += n; p.sent >= pacePart {
		p.begin()
	}
}

// hurry resets streams whose clients take less than they have to. It is for who holds mu.
func (c *conn) hurry(now time.Time) {
	if c.cfg.MinRate <= 0 {
		return
	}
	least := paceGrace + time.Duration(pacePart*int64(time.Second)/c.cfg.MinRate)
	for _, st := range c.streams {
		if since := st.pace.since; st.err == nil && !since.IsZero() && now.Sub(since) >= least {
			c.cfg.Slow()
			st.reset(http2.ErrCodeInternal, os.ErrDeadlineExceeded)
		}
	}
}
