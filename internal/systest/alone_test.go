package systest

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"tandem/internal/player"
	"tandem/internal/wire"
)

// alone is viewers of whom each has a report of its own.
type alone struct {
	a       *audience
	last    []atomic.Pointer[player.Report] // after its latest segment
	reports []player.Report
	held    *held
}

// apart lets so many viewers in, over two seconds; each says what it watches.
func apart(a *audience, count int, each func(i int) (entry string, cfg player.Config)) *alone {
	c := &alone{a: a, last: make([]atomic.Pointer[player.Report], count), reports: make([]player.Report, count), held: newHeld(count)}
	f := a.h.File()
	for i := range count {
		entry, cfg := each(i)
		cfg.Entry, cfg.Digests = f.Viewers[0]+entry, a.digests
		cfg.Progress = func(r player.Report) {
			c.held.got(i, r.Last)
			c.last[i].Store(&r)
		}
		ctx, stop := context.WithCancel(context.Background())
		a.stops = append(a.stops, stop)
		a.wg.Go(func() { c.reports[i] = player.Play(ctx, cfg) })
		time.Sleep(2 * time.Second / time.Duration(count))
	}
	return c
}

// further waits until so many of them have got two segments more.
func (c *alone) further(count int) {
	c.a.t.Helper()
	before := c.now()
	c.a.h.Await(fmt.Sprintf("%d viewers have got two segments more", count), 30*time.Second, func(*wire.Status) bool {
		n := 0
		for i, r := range c.now() {
			if r.Segments >= before[i].Segments+2 {
				n++
			}
		}
		return n >= count
	})
}

// now is what each has seen so far.
func (c *alone) now() []player.Report {
	list := make([]player.Report, len(c.last))
	for i := range c.last {
		if r := c.last[i].Load(); r != nil {
			list[i] = *r
		}
	}
	return list
}

// hurt sends everybody home and counts those who have seen anything since then: how
// long a busy machine took to fill their buffers before is no fault of tandem's.
func (c *alone) hurt(since []player.Report) (hurt int) {
	c.a.t.Helper()
	for i, r := range c.leave() {
		then := since[i]
		if r.Wrong > 0 || r.StepsBack > 0 {
			c.a.t.Errorf("wrong bytes: %s", r)
		} else if r.Stalls > then.Stalls || r.Errors > then.Errors || r.GivenUp > then.GivenUp || r.Refused > then.Refused {
			hurt++
			c.a.t.Logf("hurt: %s", r)
		}
	}
	return hurt
}

// leave sends everybody home and returns what each saw.
func (c *alone) leave() []player.Report {
	c.a.leave()
	return c.reports
}
