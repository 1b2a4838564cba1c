package member

import (
	"time"

	"tandem/edge/prefetch"
	"tandem/internal/media"
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
	played     bool       // it was given media here
	sought     int        // how often its manifests were sought since it was taken over
	soughtAt   time.Time
	manifests  []string // keys of the playlists and MPDs that it asked for, newest first; replaced, never changed
	tracks     [wire.MaxTracks]wire.Track
	news       news
	ahead      uint64                  // placement, newer than here, by which another than its deliverer told of it
	takeover   *prefetch.FirstRequests // until every track has asked for its first segment after a takeover, else nil
	foreseen   *prefetch.Foreseen      // what it may ask for then, where it may be taken over soon; else nil
}

// asked notes a manifest that the session asks for. The first one is kept, however many
// follow: it is the entry, and says what the others are. Each reload of a playlist that
// is held back until there is more (LL-HLS) has a key of its own: the newest takes the
// place of the one before, and what followed that follows it.
func (s *session) asked(manifest string) (changed bool) {
	if len(s.manifests) > 0 && s.manifests[0] == manifest || len(manifest) > wire.MaxTrackKey {
		return false
	}
	family := media.Family(manifest)
	list := append(make([]string, 0, wire.MaxManifests+1), manifest)
	for _, m := range s.manifests {
		if m != manifest && media.Family(m) != family {
			list = append(list, m)
		}
	}
	for i := range s.tracks {
		if t := &s.tracks[i]; t.Manifest != "" && media.Family(t.Manifest) == family {
			t.Manifest = manifest
		}
	}
	changed = len(list) > len(s.manifests)
	if last := len(list) - 1; last == wire.MaxManifests {
		list = append(list[:last-1], list[last])
	}
	s.manifests = list
	if changed {
		s.news[manifestsNews]++
	}
	return changed
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

// foresee notes what is expected of a track, of all that was foreseen in this moment.
func (s *session) foresee(at int64, kind wire.TrackKind, jobs []*prefetch.Job) {
	if s.foreseen == nil || s.foreseen.At != at {
		s.foreseen = &prefetch.Foreseen{At: at}
	}
	s.foreseen.Expect(kind, jobs)
}

// await begins to count its first requests, if it has played at all.
func (s *session) await(now int64) {
	before := s.foreseen
	s.sought = 0
	s.takeover, s.foreseen = nil, nil
	if s.latest() != nil {
		s.takeover = prefetch.NewFirstRequests(now, &s.tracks, before)
	}
}
