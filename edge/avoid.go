package edge

import (
	"sync"
	"time"
)

// avoidFor is how long a neighbour that was silent is not asked again: a fill
// must not wait anew for somebody who hangs, until the placement says so.
const avoidFor = 2 * time.Second

// shunned remembers the neighbours that were silent.
type shunned struct {
	mu    sync.Mutex
	until map[string]time.Time // guarded by mu
}

func (e *Edge) avoid(peer string) {
	e.shunned.mu.Lock()
	defer e.shunned.mu.Unlock()
	if e.shunned.until == nil {
		e.shunned.until = map[string]time.Time{}
	}
	e.shunned.until[peer] = e.now().Add(avoidFor)
}

func (e *Edge) avoided(peer string) bool {
	e.shunned.mu.Lock()
	defer e.shunned.mu.Unlock()
	return e.now().Before(e.shunned.until[peer])
}
