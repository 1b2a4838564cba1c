package member

import (
	"tandem/edge/prefetch"
	"tandem/internal/wire"
)

// takeover is by what the first requests of a session after a takeover are judged.
// The table's mu guards it.
type takeover struct {
	at     int64 // unix milliseconds
	awaits [wire.MaxTracks]await
}

// await is the first request of one track.
type await struct {
	open      bool
	foreseen  bool             // jobs are of before the takeover
	otherwise prefetch.Outcome // when it is none of jobs
	jobs      []*prefetch.Job  // what it is expected to be, and the next ones
}

// foreseen is what a session is expected to ask for, should it be taken over. The
// table's mu guards it.
type foreseen struct {
	at   int64 // unix milliseconds
	jobs [wire.MaxTracks][]*prefetch.Job
}

// foresee notes what is expected of a track, of all that was foreseen in this moment.
func (s *session) foresee(at int64, kind wire.TrackKind, jobs []*prefetch.Job) {
	if s.foreseen == nil || s.foreseen.at != at {
		s.foreseen = &foreseen{at: at}
	}
	s.foreseen.jobs[kind] = jobs
}

// await begins to judge: every kind of track, if the session has played at all.
func (s *session) await(now int64) {
	before := s.foreseen
	s.takeover, s.foreseen = nil, nil
	if s.latest() == nil {
		return
	}
	s.takeover = &takeover{at: now}
	for kind := range s.tracks {
		a := &s.takeover.awaits[kind]
		if a.open = true; s.tracks[kind].Target == "" {
			a.otherwise = prefetch.Unplaced
		} else {
			a.otherwise = prefetch.Late
		}
		if before != nil && now-before.at < prefetch.Valid.Milliseconds() {
			a.jobs, a.foreseen = before.jobs[kind], true
		}
	}
}

// expect says what the first request of a track is expected to be.
func (s *session) expect(kind wire.TrackKind, jobs []*prefetch.Job) {
	if s.takeover == nil {
		return
	}
	a := &s.takeover.awaits[kind]
	if !a.open || len(jobs) < len(a.jobs) && !a.foreseen {
		return
	}
	a.jobs, a.foreseen, a.otherwise = jobs, false, prefetch.Unlisted
	if len(jobs) > 0 {
		a.otherwise = prefetch.Unforeseen
	}
}

// asks judges a request, where it is one that was expected.
func (s *session) asks(key string, first int64, counts *prefetch.Takeovers) {
	if s.takeover == nil {
		return
	}
	for kind := range s.takeover.awaits {
		for _, j := range s.takeover.awaits[kind].jobs {
			if j.What.Target == key && (j.What.Part.Whole() || j.What.Part.First == first) {
				s.judged(wire.TrackKind(kind), j.Outcome(), counts)
				return
			}
		}
	}
}

// judged counts the first request of a track, once.
func (s *session) judged(kind wire.TrackKind, o prefetch.Outcome, counts *prefetch.Takeovers) {
	if s.takeover == nil || !s.takeover.awaits[kind].open {
		return
	}
	s.takeover.awaits[kind] = await{}
	counts[kind][o].Add(1)
	for i := range s.takeover.awaits {
		if s.takeover.awaits[i].open {
			return
		}
	}
	s.takeover = nil
}
