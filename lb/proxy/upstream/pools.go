package upstream

import (
	"time"

	"tandem/internal/front/kernel"
)

// Pools are the idle connections of one owner, narrow and wide (widen).
type Pools struct{ narrow, wide *Pool }

func NewPools(most int, of *Generations) Pools {
	return Pools{newPool(most, of), newPool(most, of)}
}

// Get returns an idle connection for a viewer, or nil.
func (p Pools) Get(to Target, eager bool) *Conn {
	if eager {
		if u := p.wide.get(to); u != nil {
			return u
		}
	}
	u := p.narrow.get(to)
	if u != nil && eager {
		u.Widen()
	}
	return u
}

// GetWide returns one that is wide for any viewer, or nil.
func (p Pools) GetWide(to Target) *Conn { return p.wide.get(to) }

func (p Pools) Put(u *Conn, now time.Time) {
	if u.wide {
		p.wide.put(u, now)
		return
	}
	p.narrow.put(u, now)
}

func (p Pools) Expire(now time.Time) {
	p.narrow.expire(now)
	p.wide.expire(now)
}

func (p Pools) Sweep(end func(*Conn) bool) {
	p.narrow.sweep(end)
	p.wide.sweep(end)
}

func (p Pools) Size() int { return p.narrow.size() + p.wide.size() }

// Widen lets the kernel receive as much at once as it likes.
func (u *Conn) Widen() {
	if !u.wide {
		u.wide = true
		u.hold(false)
	}
}

// fresh is for a connection that has just been dialled.
func (u *Conn) fresh(eager bool, most int64) {
	if u.wide = eager || most > 0; !u.wide {
		u.hold(true)
	}
}

func (u *Conn) hold(yes bool) {
	if u.tcp == nil {
		kernel.HoldReceived(u.FD, yes)
		return
	}
	_ = u.raw.Control(func(fd uintptr) { kernel.HoldReceived(int(fd), yes) })
}
