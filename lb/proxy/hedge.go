package proxy

import (
	"context"
	"slices"
	"time"

	"tandem/lb/proxy/upstream"
)

// replace finds who goes on with the response when an attempt has failed. The
// answer may be the same attempt: it was silent and moved after all. With
// errRefused it is one that refuses the session.
func (k *response) replace(a *attempt, err error) (*attempt, error) {
	if err == errViewer || k.r.Context().Err() != nil {
		a.end()
		return nil, errViewer
	}
	cause := CauseOf(err)
	t := Takeover{Phase: k.phase(a), Offset: k.offset(), From: a.to.Edge, Life: a.to.Incarnation, Cause: cause, Lost: a.lost(cause), Path: PathOf(k.e.Target)}
	since := a.Since
	k.accuse(a, cause)
	k.died(a, err)
	waits := err == errStalled && (a.conn != nil || a.opening != nil) || err == errConnect
	if !waits && err != errSlow {
		a.end()
	}
	c := hedge{k: k, excused: a.grows}
	switch {
	case waits:
		c.last = a
	case cause == CauseReset || cause == CauseClosed:
		c.lost = a.to
	}
	winner, failed := c.run()
	switch {
	case winner == a:
		return a, nil
	case winner == nil && err == errSlow && failed != errViewer:
		return a, nil // slow is better than nothing
	case winner == nil:
		a.end()
		if failed != errViewer {
			if k.deadly() {
				failed, t.Cause = errDeadly, CauseDeadly
				if len(k.dead) >= deathsMost && k.c.deps.Deadly != nil {
					k.c.deps.Deadly(k.e.Target)
				}
			}
			k.told(t, k.c.deps.Now().Sub(since))
		}
		if failed == errNobody {
			failed = err
		}
		return nil, failed
	}
	a.end()
	k.accuseGarbled()
	t.To, t.OK = winner.to.Edge, true
	k.told(t, k.c.deps.Now().Sub(since))
	if !k.begun {
		k.timing = `takeover;desc="` + t.From + ">" + t.To + `"`
	} else if k.last < 0 {
		k.last, k.total = winner.last, winner.total
	}
	return winner, failed
}

// accuse gives evidence against an edge, unless it is only waiting itself. One that
// sent garbage is accused when another one did not: who gets the same of all has
// found what nobody can give.
func (k *response) accuse(a *attempt, cause string) {
	switch {
	case a.lost(cause):
		k.c.deps.Failed(a.to.Edge, cause)
	case cause == CauseGarbage:
		k.garbled = append(k.garbled, a.to.Edge)
	}
}

// accuseGarbled is for when another edge has answered.
func (k *response) accuseGarbled() {
	for _, edge := range k.garbled {
		k.c.deps.Failed(edge, CauseGarbage)
	}
	k.garbled = nil
}

// told is the one place where a takeover is counted and logged.
func (k *response) told(t Takeover, gap time.Duration) {
	t.Gap = max(gap, 0)
	k.c.deps.Moved(t)
	event := k.c.deps.Logger.Info()
	if !t.OK {
		event = k.c.deps.Logger.Warn()
	}
	if t.Cause == CauseDeadly {
		event = event.Strs("dead", slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(k.broke), k.dead...)))))
	}
	event.Str("phase", t.Phase).Str("from", t.From).Str("to", t.To).Str("cause", t.Cause).Int64("offset", t.Offset).
		Dur("gap", t.Gap).Str("path", t.Path).Bool("ok", t.OK).Msg("takeover")
}

// hedge asks other edges for what the viewer lacks, while the last one, if it
// is only silent, may still move: the first to have the next byte wins.
type hedge struct {
	k       *response
	last    *attempt        // nil: it is lost
	lost    upstream.Target // may be asked again when there is nobody else: a connection broke, no more is known
	excused bool            // the last one has an excuse: asking beside it has to be affordable

	results chan outcome
	running []*attempt
}

type outcome struct {
	a       *attempt
	untimed bool
	err     error
}

func (c *hedge) run() (*attempt, error) {
	k := c.k
	ctx, cancel := context.WithCancel(k.r.Context())
	c.results = make(chan outcome, k.c.cfg.Attempts+1)
	winner, err := c.race(ctx)
	cancel()
	for _, a := range c.running {
		if a != winner {
			a.interrupt()
		}
	}
	for _, a := range c.running { // each ends exactly once
		if a != winner {
			<-c.results
		}
	}
	for _, a := range c.running {
		if a != winner && a != c.last {
			a.end()
			k.untry(a.to.Edge)
		}
	}
	return winner, err
}

// untry takes back an attempt that was only overtaken: its edge may be needed
// again.
func (k *response) untry(edge string) {
	k.asked--
	if i := slices.Index(k.tried, edge); i >= 0 {
		k.tried = slices.Delete(k.tried, i, i+1)
	}
}

// race returns the winner; it stays in running, its goroutine has ended.
func (c *hedge) race(ctx context.Context) (*attempt, error) {
	k := c.k
	if c.last != nil {
		c.start(ctx, c.last, true)
	}
	failure := errNobody
	if !c.open(ctx) && c.last == nil {
		return nil, failure
	}
	total := time.NewTimer(k.c.cfg.Total)
	defer total.Stop()
	again := time.NewTicker(k.c.cfg.Silence)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, errViewer
		case <-total.C:
			return nil, errStalled
		case <-again.C: // the last one is all we have, and somebody may have come up
			if len(c.running) == 1 && c.running[0] == c.last {
				c.open(ctx)
			}
		case o := <-c.results:
			if o.err == nil || o.err == errRefused {
				return o.a, o.err
			}
			c.remove(o.a)
			if o.err == errViewer {
				o.a.end()
				return nil, errViewer
			}
			k.accuse(o.a, CauseOf(o.err))
			k.died(o.a, o.err)
			if o.err == errStalled && !o.untimed {
				c.start(ctx, o.a, true)
			} else {
				failure = o.err
				o.a.end()
			}
			if o.a == c.last && len(c.running) > 0 {
				continue // somebody is being asked already
			}
			if !c.open(ctx) && len(c.running) == 0 {
				return nil, failure
			}
		}
	}
}

func (c *hedge) start(ctx context.Context, a *attempt, untimed bool) {
	c.running = append(c.running, a)
	a.aside = true
	go func() { c.results <- outcome{a, untimed, c.k.advance(ctx, a, untimed)} }()
}

func (c *hedge) remove(a *attempt) {
	for i, have := range c.running {
		if have == a {
			c.running = append(c.running[:i], c.running[i+1:]...)
			return
		}
	}
}

// open asks the next edge, if there is one and it may be.
func (c *hedge) open(ctx context.Context) bool {
	k := c.k
	if k.asked >= k.c.cfg.Attempts || k.deadly() {
		return false
	}
	to, ok := k.e.Next(k.tried)
	if !ok && c.lost.Edge != "" {
		to, ok, c.lost = c.lost, true, upstream.Target{}
	}
	if !ok {
		return false
	}
	if k.charged || c.excused {
		if !k.c.deps.Room(to.Edge) || !k.c.budget.take(k.c.deps.Now()) {
			return false
		}
	}
	k.charged = k.charged || !c.excused
	c.start(ctx, k.attempt(to), false)
	return true
}
