package member

import (
	"slices"
	"strings"
	"sync"
	"time"

	"tandem/internal/media"
)

// Bounds of what is remembered of playlists.
const (
	maxPlaylists = 20000
	maxPaths     = 2000000
)

// Tracks knows which segment comes after which, from the playlists that went
// through this edge.
type Tracks struct {
	mu     sync.RWMutex
	lists  map[string][]media.Track // by playlist; guarded by mu
	paths  map[string]trackRef      // by segment; guarded by mu
	recent []string                 // playlists, oldest first; guarded by mu
}

type trackRef struct {
	list  string
	track int
}

// NewTracks knows none yet.
func NewTracks() *Tracks {
	return &Tracks{lists: map[string][]media.Track{}, paths: map[string]trackRef{}}
}

// Learn takes the tracks of one playlist in place of those it had before.
func (t *Tracks) Learn(list string, found []media.Track) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.lists[list]; !known {
		t.recent = append(t.recent, list)
	} else {
		t.forget(list)
	}
	for len(t.recent) > 1 && (len(t.lists) > maxPlaylists || len(t.paths) > maxPaths) {
		t.forget(t.recent[0])
		delete(t.lists, t.recent[0])
		t.recent = t.recent[1:]
	}
	t.lists[list] = found
	for i := range found {
		for _, s := range found[i].Segments {
			t.paths[s.URI] = trackRef{list, i}
		}
	}
}

// forget drops a playlist's segments. The caller holds mu.
func (t *Tracks) forget(list string) {
	for i := range t.lists[list] {
		for _, s := range t.lists[list][i].Segments {
			if t.paths[s.URI].list == list {
				delete(t.paths, s.URI)
			}
		}
	}
}

// find is the segment at path, and the track it is of. The caller holds mu.
func (t *Tracks) find(path string) (*media.Track, int) {
	ref, ok := t.paths[path]
	if !ok {
		return nil, -1
	}
	track := &t.lists[ref.list][ref.track]
	return track, slices.IndexFunc(track.Segments, func(s media.Seg) bool { return s.URI == path })
}

// position is the sequence number of a segment, -1 when no playlist names it.
func (t *Tracks) position(path string) int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	track, i := t.find(path)
	if i < 0 {
		return -1
	}
	return track.Segments[i].Sequence
}

// next are the n segments after path, and how long path plays.
func (t *Tracks) next(path string, n int) ([]string, time.Duration) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	track, i := t.find(path)
	if i < 0 {
		return nil, 0
	}
	var paths []string
	for _, s := range track.Segments[i+1:] {
		if s.URI != path && strings.HasPrefix(s.URI, "/") && len(paths) < n {
			paths = append(paths, s.URI)
		}
	}
	return paths, track.Segments[i].Duration
}
