package dash

import (
	"time"

	"tandem/internal/media/scan"
	"tandem/internal/media/track"
)

// edges are where the first segment begins and the last one ends that an MPD
// lists, from availabilityStartTime on; false when it lists none.
func (d *Presentation) edges() (first, last time.Duration, ok bool) {
	for i := range d.reps.Len() {
		r := d.reps.At(i)
		a, _ := d.over(r)
		p := d.periods.At(int(d.sets.At(int(r.set)).period))
		if a.runs == 0 || a.open {
			continue
		}
		begin := d.runs.At(int(a.run))
		end, length, there := d.when(&a, p, a.total-1)
		if !there {
			continue
		}
		from, to := p.start+scan.ToTime(begin.at-a.offset, a.scale), p.start+scan.ToTime(end+length-a.offset, a.scale)
		if !ok || from < first {
			first = from
		}
		if !ok || to > last {
			last = to
		}
		ok = true
	}
	return first, last, ok
}

// Compare tells what another version of a live MPD is to this one.
func (d *Presentation) Compare(next *Presentation) track.Change {
	republished := next.published > 0 && next.published < d.published // a packager whose clock is behind does so, too
	first, last, ok := d.edges()
	nextFirst, nextLast, nextOK := next.edges()
	if ok && nextOK {
		// By the clock: a programme that begins anew has a start of its own.
		moved := time.Duration(next.since - d.since)
		nextFirst, nextLast = nextFirst+moved, nextLast+moved
		switch {
		case nextLast > last: // what lists later media is no older version
			return track.Forward
		case next.published > d.published && toCome(d, last, next.published):
			return track.Forward
		case nextLast < last || nextFirst < first && next.dynamic:
			if republished {
				return track.Back
			}
			if next.since != d.since || !d.shares(next) {
				return track.Anew
			}
			return track.Back
		case republished:
			return track.Back
		case nextFirst > first:
			return track.Forward
		}
	}
	if republished {
		return track.Back
	}
	if next.published > d.published || !next.dynamic {
		return track.Forward
	}
	return track.Same
}

// foretold is how far beyond what is there a live MPD lists segments that are announced, as
// those of an advertisement, and so may be taken back by a later version (a period that ends early,
// DASH-IF IOP part 5); what is said of the segment in hand, or by a clock that is ahead, is less.
const foretold = 10 * time.Second

// toCome tells whether an MPD listed media that was not there yet when another one was
// published.
func toCome(d *Presentation, last time.Duration, published int64) bool {
	return d.published > 0 && d.since > 0 && last > time.Duration(published-d.since)+foretold
}

// shares tells whether two versions have a period in common.
func (d *Presentation) shares(next *Presentation) bool {
	known := map[string]bool{}
	for i := range min(d.periods.Len(), scan.MaxMatches) {
		known[string(d.periods.At(i).id.Of(d.Body))] = true
	}
	for i := range min(next.periods.Len(), scan.MaxMatches) {
		if known[string(next.periods.At(i).id.Of(next.Body))] {
			return true
		}
	}
	return false
}

// Reach is how far a live MPD goes.
type Reach struct {
	Published, Since int64 // Unix nanoseconds; 0: not said
	First, Last      time.Duration
	Listed           bool
}

// ReachOf is how far an MPD does.
func ReachOf(d *Presentation) Reach {
	first, last, ok := d.edges()
	return Reach{d.published, d.since, first, last, ok}
}

// Ahead tells that an MPD is an older version than the one that reaches so far.
func (r Reach) Ahead(of Reach) bool {
	if r.Listed && of.Listed && of.Last+time.Duration(of.Since-r.Since) > r.Last {
		return false // what lists later media is no older version
	}
	if r.Published > 0 && of.Published > 0 && of.Published != r.Published {
		return of.Published < r.Published
	}
	return r.Listed && of.Listed && r.Since == of.Since && of.Last < r.Last && of.Last >= r.First
}
