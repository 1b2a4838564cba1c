package player

import "time"

// stallFrom is the shortest time without a picture that is counted: below it a
// player's own decoded frames bridge the hole.
const stallFrom = 50 * time.Millisecond

// playhead is the virtual clock of one viewer: what was fetched, and how far it
// has played. All times are real; media durations are divided by the speed.
type playhead struct {
	speed   float64
	started time.Time     // when there was something to play; zero: not yet
	loaded  time.Duration // real time that the fetched media lasts
	stalled time.Duration // all stalls so far
}

// real is how long a media duration lasts at this viewer's speed.
func (p *playhead) real(media time.Duration) time.Duration {
	return time.Duration(float64(media) / p.speed)
}

// ahead is how much is left to play at now; negative while nothing is.
func (p *playhead) ahead(now time.Time) time.Duration {
	if p.started.IsZero() {
		return 0
	}
	return p.loaded - (now.Sub(p.started) - p.stalled)
}

// add enters a fetched segment and returns how long the viewer had to wait for
// it with nothing to play: 0 when it came in time.
func (p *playhead) add(now time.Time, media time.Duration) (stall time.Duration) {
	if p.started.IsZero() {
		p.started = now
	}
	if late := -p.ahead(now); late > 0 {
		p.stalled += late
		if late >= stallFrom {
			stall = late
		}
	}
	p.loaded += p.real(media)
	return stall
}

// room is how long to wait until the next segment has room in the buffer.
func (p *playhead) room(now time.Time, buffer, next time.Duration) time.Duration {
	return p.ahead(now) + p.real(next) - max(p.real(buffer), p.real(next))
}
