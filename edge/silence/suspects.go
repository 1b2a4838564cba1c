package silence

import (
	"sync"
	"time"
)

// How often a suspicion is new. An edge that lives, and is suspected all the time, as where a
// cable between two is out, is so less and less often.
const (
	suspectAgain = time.Second
	suspectMost  = time.Minute
)

// Suspects tells when a sign that another one may be dead is worth acting by. The zero value
// is ready; nobody need lock.
type Suspects[K comparable] struct {
	mu   sync.Mutex
	last map[K]suspicion // guarded by mu
}

type suspicion struct {
	at    time.Time     // when it was acted by last
	pause time.Duration // until it is next
}

// Due tells whether to act by a sign of one now; if so, it is not for a while.
func (s *Suspects[K]) Due(one K, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, known := s.last[one]
	since := now.Sub(was.at)
	switch {
	case known && since < was.pause:
		return false
	case !known || since > 4*was.pause:
		was.pause = suspectAgain
	default:
		was.pause = min(2*was.pause, suspectMost)
	}
	if was.at = now; s.last == nil {
		s.last = map[K]suspicion{}
	}
	s.last[one] = was
	for other, of := range s.last {
		if now.Sub(of.at) > 4*suspectMost {
			delete(s.last, other)
		}
	}
	return true
}
