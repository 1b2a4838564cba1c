package lb

import (
	"sync/atomic"
	"testing"
	"time"

	"tandem/internal/wire"
	"tandem/lb/proxy"
)

// The second of three edges is silent, and the last one has no room for all: it is not
// believed at once, and meanwhile the partner is asked first. An answer ends it, and
// silence for long is believed.
func TestADeathThatCostsPlacesIsDoubted(t *testing.T) {
	var later atomic.Int64 // the clock stands still otherwise
	base := time.Now()
	c := newStage(t, stageOptions{edges: 3, capacity: 4, config: func(c *Config) { c.PingTimeout = 100 * time.Millisecond }, now: func() time.Time { return base.Add(time.Duration(later.Load())) }})
	c.fillUp(entryPath)
	dead, silent := c.members[0], c.members[1]
	dead.Close()
	c.suspect(dead.edge.Name, 1)
	until(t, "the first is declared dead: nobody listens there", func() bool { return c.state(dead.edge.Name) == wire.EdgeDown })
	for _, m := range c.members[1:] {
		c.report(m)
	}
	checks := c.lb.control.Checks
	first, second := make(chan struct{}), make(chan struct{})
	thaw := func(f chan struct{}) {
		select {
		case <-f:
		default:
			close(f)
		}
	}
	t.Cleanup(func() { thaw(first); thaw(second) })
	freeze := func(f chan struct{}) {
		t.Helper()
		silent.locked(func() { silent.frozen = f })
		before := silent.pings()
		until(t, "it is pinged again and again", func() bool {
			checks.Failed(silent.edge.Name, proxy.CauseStalled)
			return silent.pings() >= before+6
		})
		if s := c.state(silent.edge.Name); s != wire.EdgeUp || !checks.Suspected(silent.edge.Name) {
			t.Fatalf("%s; suspected: %v", s, checks.Suspected(silent.edge.Name))
		}
	}
	later.Store(int64(11 * time.Second)) // what the last one told is too old, as if the balancer had just begun: it asks
	c.report(silent)
	freeze(first)
	silent.locked(func() { silent.frozen = nil })
	thaw(first)
	until(t, "it answers, and is not suspected any more", func() bool { return !checks.Suspected(silent.edge.Name) })
	later.Store(int64(12 * time.Second))
	freeze(second)
	later.Store(int64(19 * time.Second))
	until(t, "declared dead", func() bool { return c.state(silent.edge.Name) == wire.EdgeDown })
}

// What answers, and not as the edge that it was, is not silent: nobody waits for it.
func TestWhatAnswersIsNotDoubted(t *testing.T) {
	base := time.Now() // the clock stands still: silence would be doubted for ever
	c := newStage(t, stageOptions{edges: 3, capacity: 4, now: func() time.Time { return base }})
	c.fillUp(entryPath)
	dead, strange := c.members[0], c.members[1]
	strange.locked(func() { strange.strange = true })
	dead.Close()
	c.suspect(dead.edge.Name, 1)
	until(t, "the first is declared dead", func() bool { return c.state(dead.edge.Name) == wire.EdgeDown })
	c.report(c.members[2])
	c.lb.control.Checks.Failed(strange.edge.Name, proxy.CauseReset)
	until(t, "and the second", func() bool { return c.state(strange.edge.Name) == wire.EdgeDown })
}
