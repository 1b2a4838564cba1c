package member

import (
	"slices"

	"tandem/internal/wire"
)

// Places in what is counted as news of a session, behind its tracks.
const (
	manifestsNews = wire.MaxTracks + iota
	openedNews
	kindsOfNews
)

// news counts the changes of each track of a session, of its manifests, and of who
// opened it and when: what a watcher has not been told is what it has another number
// of.
type news [kindsOfNews]uint32

// session is one viewer in a slot.
type session struct {
	generation uint32
	stream     string
	viewer     string
	token      wire.Alias // what the viewer's token says, where that is another slot
	opened     int64      // unix milliseconds
	seen       int64      // unix milliseconds of the last request
	manifests  []string   // keys of the playlists and MPDs that it asked for, newest first; replaced, never changed
	tracks     [wire.MaxTracks]wire.Track
	news       news
}

// asked notes a manifest that the session asks for.
func (s *session) asked(manifest string) (changed bool) {
	if len(s.manifests) > 0 && s.manifests[0] == manifest || len(manifest) > wire.MaxTrackKey {
		return false
	}
	known := slices.Index(s.manifests, manifest)
	list := make([]string, 1, wire.MaxManifests)
	list[0] = manifest
	for i, m := range s.manifests {
		if i != known && len(list) < wire.MaxManifests {
			list = append(list, m)
		}
	}
	s.manifests = list
	if known < 0 {
		s.news[manifestsNews]++
	}
	return known < 0
}

// follow takes a track's newer position.
func (s *session) follow(t *wire.Track) bool {
	have := &s.tracks[t.Kind]
	if have.Target != "" && t.At < have.At || *have == *t {
		return false
	}
	*have = *t
	s.news[t.Kind]++
	return true
}

// latest is the track that went on last, nil when none did.
func (s *session) latest() *wire.Track {
	var latest *wire.Track
	for i := range s.tracks {
		if t := &s.tracks[i]; t.Target != "" && (latest == nil || t.At > latest.At) {
			latest = t
		}
	}
	return latest
}

// places lists the tracks that have a position.
func (s *session) places() []wire.Track {
	var list []wire.Track
	for _, t := range s.tracks {
		if t.Target != "" {
			list = append(list, t)
		}
	}
	return list
}
