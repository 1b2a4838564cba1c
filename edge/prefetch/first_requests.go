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

// FirstRequests are those of a session after a takeover, which are counted as ready or not. Nil: every
// track has asked. Whoever keeps the session guards it.
type FirstRequests struct {
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

// NewFirstRequests awaits those of a session that is taken over now, with these positions: every kind of
// track. What was foreseen long ago is no memory of now.
func NewFirstRequests(now int64, tracks *[wire.MaxTracks]wire.Track, before *Foreseen) *FirstRequests {
	f := &FirstRequests{at: now}
	for kind := range tracks {
		a := &f.awaits[kind]
		if a.open = true; tracks[kind].Target == "" {
			a.otherwise = Unplaced
		} else {
			a.otherwise = Late
		}
		if before != nil && now-before.At < Valid.Milliseconds() {
			a.jobs, a.foreseen = before.jobs[kind], true
		}
	}
	return f
}

// Awaits tells whether the first request of a track has not come yet.
func (f *FirstRequests) Awaits(kind wire.TrackKind) bool { return f != nil && f.awaits[kind].open }

// Over tells whether it is too late to say anything of the takeover.
func (f *FirstRequests) Over(now int64) bool { return f != nil && f.at < now-awaitFor }

// Expect says what the first request of a track is expected to be. Where that was asked
// for before it was known, it is not unforeseen: it had to wait.
func (f *FirstRequests) Expect(kind wire.TrackKind, jobs []*Job) {
	a := &f.awaits[kind]
	if !a.open || len(jobs) < len(a.jobs) && !a.foreseen {
		return
	}
	a.jobs, a.foreseen = jobs, false
	switch {
	case len(jobs) == 0:
		a.otherwise = Unlisted
	case !slices.ContainsFunc(f.asked, func(r asked) bool { return slices.ContainsFunc(jobs, r.is) }):
		a.otherwise = Unforeseen
	}
}

// is tells whether a request is one for what a job makes ready.
func (r asked) is(o *Job) bool {
	return o.What.Target == r.key && (o.What.Part.Whole() || o.What.Part.First == r.first)
}

// Asks judges a request, where it is one that was expected, and returns who judges the
// next.
func (f *FirstRequests) Asks(key string, first int64, counts *Takeovers) *FirstRequests {
	if f == nil {
		return nil
	}
	r := asked{key, first}
	for kind := range f.awaits {
		if i := slices.IndexFunc(f.awaits[kind].jobs, r.is); i >= 0 {
			return f.counted(wire.TrackKind(kind), f.awaits[kind].jobs[i].Outcome(), counts)
		}
	}
	if len(f.asked) == maxAsked {
		f.asked = slices.Delete(f.asked, 0, 1)
	}
	f.asked = append(f.asked, r)
	return f
}

// Delivered judges a request of a track by that it was answered: it was none of those
// expected. It returns who judges the next.
func (f *FirstRequests) Delivered(kind wire.TrackKind, counts *Takeovers) *FirstRequests {
	if !f.Awaits(kind) {
		return f
	}
	return f.counted(kind, f.awaits[kind].otherwise, counts)
}

// counted counts the first request of a track, once.
func (f *FirstRequests) counted(kind wire.TrackKind, o Outcome, counts *Takeovers) *FirstRequests {
	if !f.awaits[kind].open {
		return f
	}
	f.awaits[kind] = await{}
	counts[kind][o].Add(1)
	for i := range f.awaits {
		if f.awaits[i].open {
			return f
		}
	}
	return nil
}
