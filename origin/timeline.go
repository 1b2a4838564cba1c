package origin

import (
	"sort"
	"time"
)

// timeline says which segment of a loop is on air when. Loops follow each other
// from the Unix epoch on, each as long as the longest rendition, so that every
// restart and every origin agree. Sequence numbers go on from loop to loop:
// segment i of loop k has the number k*n + i.
type timeline struct {
	length time.Duration   // of one loop
	ends   []time.Duration // of the rendition's segments within the loop, none above length
}

func newTimeline(length time.Duration, durations []time.Duration) timeline {
	t := timeline{length: length}
	at := time.Duration(0)
	for _, d := range durations {
		at += d
		t.ends = append(t.ends, min(at, length))
	}
	return t
}

// newest is the number of the last segment that has ended by now; -1 before the
// first one has.
func (t timeline) newest(now time.Time) int64 {
	passed := now.Sub(time.Unix(0, 0))
	if passed < 0 {
		return -1
	}
	within := passed % t.length
	ended := sort.Search(len(t.ends), func(i int) bool { return t.ends[i] > within })
	return int64(passed/t.length)*int64(len(t.ends)) + int64(ended) - 1
}

// place is the loop of a segment and its index in it.
func (t timeline) place(sequence int64) (loop int64, index int) {
	n := int64(len(t.ends))
	return sequence / n, int(sequence % n)
}

// begin is where segment i begins within its loop.
func (t timeline) begin(i int) time.Duration {
	if i == 0 {
		return 0
	}
	return t.ends[i-1]
}

// begins is when a segment begins.
func (t timeline) begins(sequence int64) time.Time {
	loop, i := t.place(sequence)
	return time.Unix(0, 0).Add(time.Duration(loop)*t.length + t.begin(i))
}

// window is the first and the last number of a playlist of at most n segments;
// last < first when there is none yet.
func (t timeline) window(now time.Time, n int) (first, last int64) {
	last = t.newest(now)
	return max(0, last-int64(n)+1), last
}

// check tells whether a segment may be asked for: one that left a playlist of n
// segments is served for two such lengths more.
func (t timeline) check(now time.Time, sequence int64, n int) error {
	newest := t.newest(now)
	switch {
	case sequence > newest:
		return errNotYet
	case sequence <= newest-3*int64(n):
		return errGone
	default:
		return nil
	}
}
