package prefetch

import (
	"slices"

	"tandem/internal/wire"
)

// awaitFor is how long the first requests after a takeover are awaited, in milliseconds:
// a viewer who has paused says nothing of it.
const awaitFor = 60_000

// Foreseen is what a session is expected to ask for, should it be taken over. Whoever
// keeps the session guards it.
type Foreseen struct {
	At   int64 // unix milliseconds
	jobs [wire.MaxTracks][]*Job
}

// Expect notes what is expected of a track.
func (f *Foreseen) Expect(kind wire.TrackKind, jobs []*Job) { f.jobs[kind] = jobs }

// Judge is by what the first requests of a session after a takeover are judged. Nil: every
// track has asked. Whoever keeps the session guards it.
type Judge struct {
	at     int64 // unix milliseconds
	awaits [wire.MaxTracks]await
	asked  []asked // for the last time: none of what was expected by then
}

// asked is one request.
type asked struct {
	key   string
	first int64 // byte
}

// maxAsked bounds what is kept of requests that were not expected: a segment and a
// playlist of each track.
const maxAsked = 2 * wire.MaxTracks

// await is the first request of one track.
type await struct {
	open      bool
	foreseen  bool    // jobs are of before the takeover
	otherwise Outcome // when it is none of jobs
	jobs      []*Job  // what it is expected to be, and the next ones
}

// NewJudge judges a session that is taken over now, with these positions: every kind of
// track. What was foreseen long ago is no memory of now.
func NewJudge(now int64, tracks *[wire.MaxTracks]wire.Track, before *Foreseen) *Judge {
	j := &Judge{at: now}
	for kind := range tracks {
		a := &j.awaits[kind]
		if a.open = true; tracks[kind].Target == "" {
			a.otherwise = Unplaced
		} else {
			a.otherwise = Late
		}
		if before != nil && now-before.At < Valid.Milliseconds() {
			a.jobs, a.foreseen = before.jobs[kind], true
		}
	}
	return j
}

// Awaits tells whether the first request of a track has not come yet.
func (j *Judge) Awaits(kind wire.TrackKind) bool { return j != nil && j.awaits[kind].open }

// Over tells whether it is too late to say anything of the takeover.
func (j *Judge) Over(now int64) bool { return j != nil && j.at < now-awaitFor }

// Expect says what the first request of a track is expected to be. Where that was asked
// for before it was known, it is not unforeseen: it had to wait.
func (j *Judge) Expect(kind wire.TrackKind, jobs []*Job) {
	a := &j.awaits[kind]
	if !a.open || len(jobs) < len(a.jobs) && !a.foreseen {
		return
	}
	a.jobs, a.foreseen = jobs, false
	switch {
	case len(jobs) == 0:
		a.otherwise = Unlisted
	case !slices.ContainsFunc(j.asked, func(r asked) bool { return slices.ContainsFunc(jobs, r.is) }):
		a.otherwise = Unforeseen
	}
}

// is tells whether a request is one for what a job makes ready.
func (r asked) is(o *Job) bool {
	return o.What.Target == r.key && (o.What.Part.Whole() || o.What.Part.First == r.first)
}

// Asks judges a request, where it is one that was expected, and returns who judges the
// next.
func (j *Judge) Asks(key string, first int64, counts *Takeovers) *Judge {
	if j == nil {
		return nil
	}
	r := asked{key, first}
	for kind := range j.awaits {
		if i := slices.IndexFunc(j.awaits[kind].jobs, r.is); i >= 0 {
			return j.judged(wire.TrackKind(kind), j.awaits[kind].jobs[i].Outcome(), counts)
		}
	}
	if len(j.asked) == maxAsked {
		j.asked = slices.Delete(j.asked, 0, 1)
	}
	j.asked = append(j.asked, r)
	return j
}

// Delivered judges a request of a track by that it was answered: it was none of those
// expected. It returns who judges the next.
func (j *Judge) Delivered(kind wire.TrackKind, counts *Takeovers) *Judge {
	if !j.Awaits(kind) {
		return j
	}
	return j.judged(kind, j.awaits[kind].otherwise, counts)
}

// judged counts the first request of a track, once.
func (j *Judge) judged(kind wire.TrackKind, o Outcome, counts *Takeovers) *Judge {
	if !j.awaits[kind].open {
		return j
	}
	j.awaits[kind] = await{}
	counts[kind][o].Add(1)
	for i := range j.awaits {
		if j.awaits[i].open {
			return j
		}
	}
	return nil
}
