package proxy

import "time"

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

// share is how much may be on its way inside the kernel to a viewer like this one.
func (r *splice) share() int64 {
	switch {
	case !r.eager:
		return pipeSlow
	case !r.conn.Wide() && r.sent < widenAfter:
		return narrowPart
	}
	r.conn.Widen()
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
		a.conn.Widen()
	}
}
