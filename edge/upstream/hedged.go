package upstream

import (
	"context"
	"strings"
	"time"
)

// hedged is one request at several servers: one after the other, as soon as one
// has failed or has said nothing for a while. The first good answer wins; where
// there is none, the last bad one that is an answer. A server that is alone is asked
// once more, by a connection of its own, where the first one broke or is silent: it may
// be the connection, or one of its workers.
type hedged struct {
	group    *group
	request  *Request
	all      []candidate
	outcomes chan attempt

	cancels []context.CancelFunc // of the tries that have begun
	over    map[int]bool         // which of them have ended
	worst   attempt              // of those
	next    <-chan time.Time     // nil: no further server by time alone
}

// run returns what came of it; the tries that are left end by themselves.
func (c *hedged) run(ctx context.Context) attempt {
	c.over = map[int]bool{}
	c.start(ctx)
	for {
		again := true // the same server has a second chance
		select {
		case a := <-c.outcomes:
			c.over[a.at] = true
			if a.result == answered || ctx.Err() != nil {
				c.win(a)
				return a
			}
			again = a.result == broken
			c.worst = c.worse(a)
			c.next = nil
		case <-c.next:
			c.next = nil
		}
		switch {
		case len(c.cancels) < len(c.all) && c.next == nil && ctx.Err() == nil && (again || !c.all[len(c.cancels)].again) && c.group.budget.spend():
			c.start(ctx)
		case len(c.over) == len(c.cancels):
			return c.worst
		}
	}
}

// start begins the next try.
func (c *hedged) start(ctx context.Context) {
	at := len(c.cancels)
	s := c.all[at]
	ctx, cancel := context.WithCancel(ctx)
	c.cancels = append(c.cancels, cancel)
	if len(c.cancels) < len(c.all) && !heldBack(c.request.Target) {
		c.next = time.After(s.next)
	}
	go func() {
		a := s.try(ctx, c.request, s.again)
		own := a.cancel
		a.at = at
		a.cancel = func() { own(); cancel() }
		if b, ok := a.body(); ok {
			b.cancel = a.cancel
		}
		c.outcomes <- a
	}()
}

// heldBack tells whether an origin is silent by design: a blocking reload of a
// playlist (rfc8216bis section 6.2.5.2).
func heldBack(target string) bool {
	_, query, _ := strings.Cut(target, "?")
	return strings.Contains(query, "_HLS_msn=")
}

// win ends the other tries. A server that was asked before the winner and has said
// nothing since hangs.
func (c *hedged) win(winner attempt) {
	if c.worst.server != nil {
		c.worst.drop()
	}
	before := true
	for i, cancel := range c.cancels {
		switch s := c.all[i].server; {
		case i == winner.at:
			before = false
		case !c.over[i]:
			cancel()
			if before && winner.result == answered && s != winner.server {
				s.note(late)
			}
		}
	}
	if left := len(c.cancels) - len(c.over); left > 0 {
		go func() {
			for range left {
				a := <-c.outcomes
				a.drop()
			}
		}()
	}
}

// worse keeps one of two bad outcomes: an answer rather than none, else the later
// one.
func (c *hedged) worse(a attempt) attempt {
	switch {
	case c.worst.server == nil:
	case c.worst.resp != nil && a.resp == nil:
		a.drop()
		return c.worst
	default:
		c.worst.drop()
	}
	return a
}
