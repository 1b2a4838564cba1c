package member

import (
	"slices"
	"time"

	"tandem/edge/prefetch"
	"tandem/internal/wire"
)

// at finds a session and does something to it. False: it is not here.
func (s *tables) at(pair wire.PairID, slot int, do func(t *table, n *session)) bool {
	t := s.table(pair)
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.sessions[slot]
	if n != nil {
		do(t, n)
	}
	return n != nil
}

// delivered notes that a segment was written to a session in full. First: it was asked
// for after a takeover, and may be the first of its track.
func (s *tables) delivered(pair wire.PairID, slot int, track wire.Track, first bool) {
	s.at(pair, slot, func(t *table, n *session) {
		n.seen = max(n.seen, track.At)
		n.follow(&track)
		t.tell(slot, n.generation)
		if first {
			n.takeover = n.takeover.Delivered(track.Kind, &s.counts)
		}
	})
}

// asks looks at a request of a session that was taken over.
func (s *tables) asks(pair wire.PairID, slot int, key string, first int64) {
	s.at(pair, slot, func(_ *table, n *session) { n.takeover = n.takeover.Asks(key, first, &s.counts) })
}

// expect says what a session that was taken over, or may be soon, is expected to ask for.
// False: it has asked already, is not here any more, or was not taken over yet.
func (s *tables) expect(of *prefetch.Inherited, kind wire.TrackKind, jobs []*prefetch.Job) (wants bool) {
	s.at(of.Pair, of.Slot, func(_ *table, n *session) {
		switch {
		case n.generation != of.Generation:
		case n.takeover != nil:
			n.takeover.Expect(kind, jobs)
			wants = n.takeover.Awaits(kind)
		case of.Foreseen > 0:
			n.foresee(of.Foreseen, kind, jobs)
		}
	})
	return wants
}

// awaits are the tracks in a manifest of which a session that was taken over has still
// to ask for the first segment.
func (s *tables) awaits(pair wire.PairID, slot int, manifest string) (of prefetch.Inherited) {
	s.at(pair, slot, func(_ *table, n *session) {
		of.SessionID = wire.SessionID{Pair: pair, Slot: slot, Generation: n.generation}
		for kind := range n.tracks {
			if n.takeover.Awaits(wire.TrackKind(kind)) && n.tracks[kind].Manifest == manifest && manifest != "" {
				of.Tracks = append(of.Tracks, n.tracks[kind])
			}
		}
	})
	return of
}

// trackIn is the track of a session that follows a manifest; false: none does.
func (s *tables) trackIn(pair wire.PairID, slot int, manifest string) (track wire.Track, ok bool) {
	s.at(pair, slot, func(_ *table, n *session) {
		for i := range n.tracks {
			if t := &n.tracks[i]; !ok && t.Manifest == manifest {
				track, ok = *t, true
			}
		}
	})
	return track, ok
}

// asked notes that a session asks for a manifest.
func (s *tables) asked(pair wire.PairID, slot int, manifest string) {
	s.at(pair, slot, func(t *table, n *session) {
		if n.asked(manifest) {
			t.tell(slot, n.generation)
		}
	})
}

// maxSought is how often a session's manifests are sought: after 1, 2, 4 ... 32 s.
const maxSought = 6

// seeks tells whether a session's manifests are to be sought among its stream's, which is
// counted where it is done.
func (s *tables) seeks(pair wire.PairID, slot int, now time.Time, does bool) (stream string, ok bool) {
	s.at(pair, slot, func(_ *table, n *session) {
		if ok = n.sought < maxSought && now.Sub(n.soughtAt) >= time.Second<<n.sought/2; ok && does {
			n.sought++
			n.soughtAt = now
		}
		stream = n.stream
	})
	return stream, ok
}

// where notes that a session was given media, which earns it its slot, and lists the
// manifests in which its segments are looked for: those that its tracks follow, then
// those that it has asked for, the newest first. The same files may stand in several,
// and one session counts by one of them.
func (s *tables) where(pair wire.PairID, slot int) (list []string) {
	s.at(pair, slot, func(_ *table, n *session) {
		n.played = true
		list = make([]string, 0, len(n.manifests)+len(n.tracks))
		for i := range n.tracks {
			if key := n.tracks[i].Manifest; key != "" && !slices.Contains(list, key) {
				list = append(list, key)
			}
		}
		for _, key := range n.manifests {
			if !slices.Contains(list, key) {
				list = append(list, key)
			}
		}
	})
	return list
}

// tracks are the positions of a session, delivered here or mirrored.
func (s *tables) tracks(id wire.SessionID) (list []wire.Track) {
	if t := s.table(id.Pair); t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if slot, ok := t.find(id); ok {
			list = t.sessions[slot].places()
		}
	}
	return list
}
