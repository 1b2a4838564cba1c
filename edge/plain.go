package edge

import (
	"sync"
	"time"

	"tandem/segstore"
)

// plainMost bounds the playlists that are remembered.
const plainMost = 20000

// plainLists remembers which playlists lead nowhere out of a session: with
// relative URIs alone, as most are. They are given as they are stored, like any
// other object, without being read again for every viewer.
type plainLists struct {
	mu    sync.Mutex
	known map[string]version // by key; guarded by mu
}

// version is one copy of an object.
type version struct {
	etag   string
	stored time.Time
}

func versionOf(m *segstore.Meta) version { return version{m.ETag, m.Stored} }

func (l *plainLists) has(key string, m *segstore.Meta) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.known[key]
	return ok && v.etag == m.ETag && v.stored.Equal(m.Stored)
}

func (l *plainLists) put(key string, m *segstore.Meta) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil || len(l.known) >= plainMost {
		l.known = map[string]version{}
	}
	l.known[key] = versionOf(m)
}
