package proxy

import (
	"time"

	"tandem/internal/front/kernel"
)

// What a viewer does not take lies in the kernel: between the edge and here as much as the
// connection's window lets through. It grows as we read, to megabytes, and never shrinks
// for what was promised once. So a connection is narrow (64 KB, as a rule), and its window
// grows (it is wide) only for viewers who take all at once: a thousand who take nothing
// hold a thousand times as much as one narrow connection, and those who do pay nothing.
const (
	widenAfter  = 128 << 10              // bytes taken at once: more than the kernel keeps for one that takes nothing
	widenWithin = 250 * time.Millisecond // in goroutines, which do not see how a viewer takes them
	narrowPart  = 64 << 10               // moved at once before that is known, in bytes
)

// pools are the idle connections of one owner, narrow and wide.
type pools struct{ narrow, wide *upstreamPool }

func newPools(most int, of *generations) pools {
	return pools{newUpstreamPool(most, of), newUpstreamPool(most, of)}
}

// get returns an idle connection for a viewer, or nil.
func (p pools) get(to Target, eager bool) *upstream {
	if eager {
		if u := p.wide.get(to); u != nil {
			return u
		}
	}
	u := p.narrow.get(to)
	if u != nil && eager {
		u.widen()
	}
	return u
}

func (p pools) put(u *upstream, now time.Time) {
	if u.wide {
		p.wide.put(u, now)
		return
	}
	p.narrow.put(u, now)
}

func (p pools) expire(now time.Time) {
	p.narrow.expire(now)
	p.wide.expire(now)
}

func (p pools) sweep(end func(*upstream) bool) {
	p.narrow.sweep(end)
	p.wide.sweep(end)
}

func (p pools) size() int { return p.narrow.size() + p.wide.size() }

// widen lets the kernel receive as much at once as it likes.
func (u *upstream) widen() {
	if !u.wide {
		u.wide = true
		u.hold(false)
	}
}

// fresh is for a connection that has just been dialled.
func (u *upstream) fresh(eager bool, cfg *Config) {
	if u.wide = eager || cfg.MaxReceived > 0; !u.wide {
		u.hold(true)
	}
}

func (u *upstream) hold(yes bool) {
	if u.tcp == nil {
		kernel.HoldReceived(u.fd, yes)
		return
	}
	_ = u.raw.Control(func(fd uintptr) { kernel.HoldReceived(int(fd), yes) })
}

// share is how much may be on its way inside the kernel to a viewer like this one.
func (r *splice) share() int64 {
	switch {
	case !r.eager:
		return pipeSlow
	case !r.conn.wide && r.sent < widenAfter:
		return narrowPart
	}
	r.conn.widen()
	return pipeEager
}

// taking is how an attempt's body is taken, in a goroutine.
type taking struct {
	since time.Time
	had   int64 // bytes that the viewer had then
	known bool
}

// took is told that the viewer has taken more.
func (k *response) took(a *attempt) {
	if a.taking.known || k.sent-a.taking.had < widenAfter {
		return
	}
	a.taking.known = true
	yes := k.c.deps.Now().Sub(a.taking.since) < widenWithin
	k.e.Taker.note(yes)
	if yes {
		a.conn.widen()
	}
}
