package protected

import (
	"sync/atomic"

	"tandem/internal/wire"
)

// Known keeps what a placement says to be protected ready to be asked. The zero value
// knows nothing yet.
type Known struct{ now atomic.Pointer[read] }

// read never changes.
type read struct {
	trust *wire.Trust
	paths *Paths
}

// Of are the paths of a placement's trust, which may be nil; they are made once.
func (k *Known) Of(trust *wire.Trust) *Paths {
	if trust == nil || len(trust.Protected) == 0 {
		return nil
	}
	now := k.now.Load()
	if now == nil || now.trust != trust {
		now = &read{trust, New(trust.Protected)}
		k.now.Store(now)
	}
	return now.paths
}
