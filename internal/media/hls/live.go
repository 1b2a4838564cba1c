package hls

import "tandem/internal/media/track"

// Compare tells what another version of a live playlist is to this one.
func (l *List) Compare(next *List) track.Change {
	a, b := l, next
	aFirst, bFirst := a.sequence-a.skipped, b.sequence-b.skipped
	aEnd, bEnd := a.sequence+int64(a.segments.Len()), b.sequence+int64(b.segments.Len())
	aParts, bParts := a.partsAhead(), b.partsAhead()
	from, to := max(a.sequence, b.sequence), min(aEnd, bEnd)
	for n := from; n < to; n++ {
		if n == from+sample && to-n > sample {
			n = to - sample
		}
		if !sameSegment(a, b, int(n-a.sequence), int(n-b.sequence)) {
			return slid(a, b)
		}
	}
	further := bEnd > aEnd || bEnd == aEnd && bParts > aParts
	back := bFirst < aFirst && !b.ended && !further || // an event that is over may be listed whole, and a window may grow both ways
		bEnd < aEnd || bEnd == aEnd && bParts < aParts
	switch {
	case back && max(aFirst, bFirst) >= to && a.segments.Len() > 0 && b.segments.Len() > 0:
		return track.Anew
	case back:
		return track.Back
	case bFirst > aFirst || further || b.ended:
		return track.Forward
	default:
		return track.Same
	}
}

// slid is Compare for versions whose numbers and names don't fit. Some live lists slide
// and number nothing, or always alike: what follows from their names is forward, or back,
// where they have some in common in the same order.
func slid(a, b *List) track.Change {
	n, m := a.segments.Len(), b.segments.Len()
	if a.sequence != b.sequence || n > maxSlid || m > maxSlid {
		return track.Anew
	}
	switch {
	case slidBy(a, b) > 0 && slidBy(a, b)+m >= n:
		return track.Forward
	case slidBy(a, b) > 0, slidBy(b, a) > 0:
		return track.Back
	}
	return track.Anew
}

// maxSlid bounds the lists that are compared so, in segments.
const maxSlid = 4096

// slidBy is by how many segments a list has slid to become the next one, by their names;
// 0: it has not.
func slidBy(l, next *List) int {
	n, m := l.segments.Len(), next.segments.Len()
	for by := 1; by < n; by++ {
		if i := 0; sameSegment(l, next, by, 0) {
			for i < min(n-by, m) && sameSegment(l, next, by+i, i) {
				i++
			}
			if i == min(n-by, m) {
				return by
			}
		}
	}
	return 0
}

// sample is how many segments at either end of what two versions share are
// compared by their names.
const sample = 16

// partsAhead counts the parts of the segment that is not complete.
func (l *List) partsAhead() int {
	n := 0
	for i := l.parts.Len() - 1; i >= 0 && int(l.parts.At(i).segment) == l.segments.Len(); i-- {
		n++
	}
	return n
}

func sameSegment(l, next *List, i, j int) bool {
	a, _ := l.extent(i)
	b, _ := next.extent(j)
	return a == b && sameName(l, next, i, j)
}

// Reach is where a live playlist begins and ends, by media sequence numbers.
type Reach struct {
	First, End, Parts int64 // End is behind the last segment, Parts are behind that
}

// ReachOf is where a list does.
func ReachOf(l *List) Reach {
	return Reach{l.sequence - l.skipped, l.sequence + int64(l.segments.Len()), int64(l.partsAhead())}
}

// Ahead tells that a playlist is an older version than the one that reaches so far.
func (r Reach) Ahead(of Reach) bool {
	return of.End >= r.First && (of.End < r.End || of.End == r.End && of.Parts < r.Parts)
}
