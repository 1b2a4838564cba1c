package prefetch

import (
	"sync/atomic"

	"tandem/internal/wire"
)

// Outcome is what became of the first segment that a session asked for in one of its
// tracks after it was taken over.
type Outcome int

// Outcomes. All but Ready: the viewer had to wait for somebody else than the memory.
const (
	Ready      Outcome = iota // it was in memory
	Late                      // it was being got, or had to wait for others
	Failed                    // it could not be got
	Unlisted                  // the manifest named no segment behind the position, or was not there
	Unforeseen                // another one was asked for: another rendition, or the viewer sought
	Unplaced                  // the position of this track was not known
	outcomes
)

// String is the outcome's name as the label of a metric.
func (o Outcome) String() string {
	return [...]string{"ready", "late", "failed", "unlisted", "unforeseen", "unplaced"}[o]
}

// Takeovers counts the outcomes, by kind of track.
type Takeovers [wire.MaxTracks][outcomes]atomic.Int64

// Each yields every count.
func (c *Takeovers) Each(yield func(kind wire.TrackKind, o Outcome, n int64)) {
	for kind := range c {
		for o := range c[kind] {
			yield(wire.TrackKind(kind), Outcome(o), c[kind][o].Load())
		}
	}
}

// List is what reports say: what is not 0.
func (c *Takeovers) List() []wire.TakeoverCount {
	var list []wire.TakeoverCount
	c.Each(func(kind wire.TrackKind, o Outcome, n int64) {
		if n > 0 {
			list = append(list, wire.TakeoverCount{Track: kind, Outcome: o.String(), Count: n})
		}
	})
	return list
}
