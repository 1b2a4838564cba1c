package fetch

import (
	"sync"
	"sync/atomic"
	"time"

	"tandem/edge/manifest"
	"tandem/internal/media"
	"tandem/segstore"
)

// maxLives bounds the live manifests that are remembered.
const maxLives = 10_000

// life is what is remembered of a live manifest in all its forms.
type life struct {
	guard media.Guard
	key   string // of the form that was given out last
	whole string // of the last one that is no delta update
}

// lives see to it that no live manifest goes back for those who have seen it.
type lives struct {
	manifests   *manifest.Cache
	now         func() time.Time
	steppedBack *atomic.Int64

	mu    sync.Mutex
	known map[string]life // by Redirects.Family; guarded by mu
}

// keptBack is what viewers are given in place of the version e, which would go back
// for them; nil: they may have it. A neighbour that gives out what began anew has
// judged: who waited longer would take viewers back to what came before it.
func (s *lives) keptBack(key string, e *manifest.Entry, byNeighbour bool) *media.Manifest {
	family := s.manifests.Redirects.Family(key)
	l := s.of(family)
	if l.key == "" {
		l.key = key
	}
	given := s.manifests.Get(l.key)
	if given == nil || e.Manifest == nil {
		return nil
	}
	had := s.manifests.Stored(l.key)
	if l.guard.Advanced.IsZero() {
		l.guard.Advanced = had
	}
	take, change, guard := l.guard.Follow(given, e.Manifest, s.now())
	if byNeighbour && change == media.Anew && e.Stored().After(had) {
		take, guard.Advanced = true, s.now()
	}
	l.guard = guard
	s.note(family, l)
	if change == media.Back || change == media.Anew {
		s.steppedBack.Add(1)
	}
	switch {
	case take:
		return nil
	case media.Stands(key, given):
		return given
	}
	if given = s.manifests.Get(l.whole); media.Compare(given, e.Manifest) == media.Forward {
		return nil // what is whole here is older still
	}
	return given
}

// given notes what viewers are given from now on.
func (s *lives) given(key string, e *manifest.Entry) {
	s.manifests.Keep(e)
	if e.Manifest == nil || !e.Live() {
		return
	}
	family := s.manifests.Redirects.Family(key)
	l := s.of(family)
	if media.Stands(family, e.Manifest) {
		l.whole = key
	}
	if l.key = key; l.guard.Advanced.IsZero() { // another edge may have given it out: viewers have played since
		l.guard.Advanced = e.Stored()
	}
	s.note(family, l)
}

func (s *lives) of(family string) life {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[family]
}

func (s *lives) note(family string, l life) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other := range s.known {
		if len(s.known) < maxLives {
			break
		}
		delete(s.known, other) // any will do: it begins anew
	}
	s.known[family] = l
}

// soon bounds the life of a copy that is still what the origin has: players of a
// live one wait for the next segment.
func (s *lives) soon(key string, m *segstore.Meta, fresh time.Time) time.Time {
	if e, ok := s.manifests.Known(key, m); ok && e.Manifest != nil && e.Live() {
		return soonest(fresh, s.now().Add(max(e.Interval(), time.Second)))
	}
	return fresh
}

// liveness tells whether a manifest will change, and how soon. One that can't be
// read may be anything.
func liveness(e *manifest.Entry) (live bool, interval time.Duration) {
	if e.Manifest == nil {
		return true, time.Second
	}
	return e.Live(), max(e.Interval(), time.Second)
}

func soonest(a, b time.Time) time.Time {
	if a.After(b) {
		return b
	}
	return a
}
