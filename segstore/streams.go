package segstore

import (
	"maps"
	"net/http"
	"sync"
)

// streams counts the complete objects of each stream (Meta.Stream), negative answers
// aside: what the store holds of it now.
type streams struct {
	mu    sync.Mutex
	count map[string]int // never 0; guarded by mu
}

// note counts an object that has come (1) or is gone (-1).
func (s *streams) note(m *Meta, by int) {
	if m.Stream == "" || m.Status != http.StatusOK {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count[m.Stream] += by; s.count[m.Stream] == 0 {
		delete(s.count, m.Stream)
	}
}

// Streams are those of which anything is stored, with the number of objects.
func (s *Store) Streams() map[string]int {
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	return maps.Clone(s.streams.count)
}
