package clock

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// Tolerance is by how much a clock may be another one than the balancers'.
const Tolerance = 10 * time.Second

const (
	heardFor = 10 * time.Second // what a balancer has said counts for so long
	jitter   = time.Second      // what answers that take their time make of a difference
)

// Clock is an edge's. A nil one is the machine's own.
type Clock struct {
	own   func() time.Time
	start time.Time
	log   zerolog.Logger
	ahead atomic.Int64 // nanoseconds

	mu   sync.Mutex
	said map[string]said // by balancer; guarded by mu
	told time.Duration   // of which the log has told; guarded by mu
}

// said is how far the own clock is ahead of a balancer's.
type said struct {
	ahead time.Duration
	at    time.Time
}

// New makes one of a machine's own clock.
func New(own func() time.Time, log zerolog.Logger) *Clock {
	return &Clock{own: own, start: own(), log: log, said: map[string]said{}}
}

// steady is the machine's time of day at the start, and what has passed since: setting
// the machine's clock does not change it.
func (c *Clock) steady() time.Time { return c.start.Add(c.own().Sub(c.start)) }

// Now is the time of day as the cluster has it.
func (c *Clock) Now() time.Time {
	if c == nil {
		return time.Now()
	}
	return c.steady().Add(-time.Duration(c.ahead.Load()))
}

// Ahead is how far the machine's own time of day is ahead of the cluster's; 0 where that
// may be so.
func (c *Clock) Ahead() time.Duration {
	if c == nil {
		return 0
	}
	ahead := c.own().Round(0).Sub(c.Now().Round(0)) // Round: by the time of day, which may have been set
	if ahead.Abs() <= Tolerance/2 {
		return 0
	}
	return ahead.Round(jitter)
}

// Heard notes what a balancer's clock says now, in unix milliseconds; 0: it says nothing.
func (c *Clock) Heard(balancer string, milliseconds int64) {
	if milliseconds == 0 {
		return
	}
	now := c.steady()
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.said, func(_ string, s said) bool { return now.Sub(s.at) > heardFor })
	_, again := c.said[balancer]
	c.said[balancer] = said{now.Sub(time.UnixMilli(milliseconds)), now}
	if !again {
		return // the others say theirs meanwhile
	}
	before, counts := time.Duration(c.ahead.Load()), c.middle()
	limit := Tolerance
	if before != 0 {
		limit /= 2 // lest it comes and goes
	}
	if counts.Abs() <= limit {
		counts = 0
	}
	if counts != before && (counts == 0 || (counts-before).Abs() > jitter) {
		c.ahead.Store(int64(counts))
	}
	c.tell()
}

// tell logs what is new of the machine's clock, which may have been set meanwhile. Called
// with mu held.
func (c *Clock) tell() {
	ahead := c.Ahead()
	if ahead != 0 && (ahead-c.told).Abs() <= 2*jitter || c.told == 0 && ahead.Abs() <= Tolerance {
		return
	}
	c.told = ahead
	switch {
	case ahead > 0:
		c.log.Warn().Stringer("ahead", ahead).Msg("this machine's clock is ahead of the balancers': set it (chrony, systemd-timesyncd); what edges tell each other goes by theirs")
	case ahead < 0:
		c.log.Warn().Stringer("behind", -ahead).Msg("this machine's clock is behind the balancers': set it (chrony, systemd-timesyncd); what edges tell each other goes by theirs")
	default:
		c.log.Info().Msg("this machine's clock is the balancers' again")
	}
}

// middle is the difference that counts. Called with mu held.
func (c *Clock) middle() time.Duration {
	all := make([]time.Duration, 0, len(c.said)+1)
	for _, s := range c.said {
		all = append(all, s.ahead)
	}
	if len(all)%2 == 0 {
		all = append(all, 0)
	}
	slices.Sort(all)
	return all[len(all)/2]
}
