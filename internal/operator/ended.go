package operator

import "sync"

// maxEnded bounds how many logouts are remembered; each is forgotten when its login
// would have ended by itself.
const maxEnded = 65536

// endings are the logins that were ended before their time: whoever has a copy of such a
// cookie has nothing. Cookies are sealed by a key that this process has drawn and no other
// one takes, so that nobody else has to be told.
type endings struct {
	mu  sync.Mutex
	all map[string]int64 // guarded by mu; by what login: when it would have ended, unix seconds
}

// end ends a login; false: no more can be remembered.
func (e *endings) end(id string, expires, now int64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = map[string]int64{}
	}
	if len(e.all) >= maxEnded {
		for other, at := range e.all {
			if at <= now {
				delete(e.all, other)
			}
		}
	}
	if len(e.all) >= maxEnded {
		return false
	}
	e.all[id] = expires
	return true
}

func (e *endings) ended(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ended := e.all[id]
	return ended
}
