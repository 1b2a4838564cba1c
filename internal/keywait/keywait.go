// Package keywait lets requests wait a moment for a key that may be on its way here.
//
// Always true:
//   - of those that wait there are few: whoever makes tokens up names keys that nobody
//     has, and each request that waits costs a goroutine and a descriptor;
//   - nobody waits longer than Limit, or than the request's context.
//
// Guarded by an atomic counter, and no goroutines.
package keywait

import (
	"context"
	"sync/atomic"
	"time"
)

// Limit is how long one waits, and most how many do in a process.
const (
	Limit = time.Second
	most  = 512
)

// Room is who waits. The zero value is empty.
type Room struct{ waiting atomic.Int64 }

// Until asks known again each time the keys have changed, and returns when it says yes,
// when the time is over, or at once where too many wait already. changed is the channel
// that the next change closes, and is taken before known is asked.
func (r *Room) Until(ctx context.Context, changed func() <-chan struct{}, known func() bool) {
	next := changed()
	if known() {
		return
	}
	defer r.waiting.Add(-1)
	if r.waiting.Add(1) > most {
		return
	}
	limit := time.NewTimer(Limit)
	defer limit.Stop()
	for {
		select {
		case <-next:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
		if next = changed(); known() {
			return
		}
	}
}
