package proxy

import (
	"time"

	"tandem/internal/front/kernel"
)

// pools are the idle connections of one owner, narrow and wide (widen).
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

// getWide returns one that is wide for any viewer, or nil.
func (p pools) getWide(to Target) *upstream { return p.wide.get(to) }

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
func (u *upstream) fresh(eager bool, most int64) {
	if u.wide = eager || most > 0; !u.wide {
		u.hold(true)
	}
}

func (u *upstream) hold(yes bool) {
	if u.tcp == nil {
		kernel.HoldReceived(u.FD, yes)
		return
	}
	_ = u.raw.Control(func(fd uintptr) { kernel.HoldReceived(int(fd), yes) })
}
