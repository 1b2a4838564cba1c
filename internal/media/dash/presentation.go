package dash

import (
	"sync"
	"time"

	"tandem/internal/media/edit"
	"tandem/internal/media/scan"
	"tandem/internal/media/track"
	"tandem/internal/media/uri"
)

// Presentation is what an MPD says. Texts are places in the body; what a
// representation inherits is looked up when it is asked for.
type Presentation struct {
	*edit.Draft
	known bool // positions are known

	whole     bool // an MPD; else a part of one, as a remote period or a patch
	dynamic   bool
	published int64 // publishTime, Unix nanoseconds; 0: not said
	since     int64 // availabilityStartTime
	update    time.Duration
	window    time.Duration // timeShiftBufferDepth
	delay     time.Duration // suggestedPresentationDelay
	length    time.Duration // mediaPresentationDuration, 0: not said
	base      scan.Span
	locations []scan.Span // where it is to be asked for from now on
	patched   bool        // it says where patches of it are
	abroad    bool        // see Abroad

	periods    scan.List[period]
	sets       scan.List[set]
	reps       scan.List[representation]
	addressing scan.List[addressing]
	runs       scan.List[run]
	urls       scan.List[uint32] // SegmentURLs: where their tags begin
	entities   scan.Entities

	once  sync.Once
	index scan.Table // made by once, with next and lists
	next  []uint32   // by entry: the next one that begins alike, counted from 1
	lists []listed   // entries behind those of the representations
}

type period struct {
	id, base   scan.Span
	start, end time.Duration // end 0: not known
	length     time.Duration
	started    bool  // it says its start
	set        int32 // its first
	addressing int32 // -1: none
}

type set struct {
	base       scan.Span
	tag        uint32 // where its tag begins
	period     int32
	addressing int32
	kind       track.Kind
	known      bool // kind is said
}

type representation struct {
	id, base   scan.Span
	bandwidth  int64
	tag        uint32
	set        int32
	addressing int32
	kind       track.Kind
}

// Levels of an MPD that have BaseURLs and addressing of their own.
const (
	levelMPD = iota
	levelPeriod
	levelSet
	levelRep
)

// Live tells whether it will change.
func (d *Presentation) Live() bool { return d.dynamic }

// Interval is how often it is to be asked for (minimumUpdatePeriod).
func (d *Presentation) Interval() time.Duration { return d.update }

// Listed tells that it lists segments one by one (SegmentURL).
func (d *Presentation) Listed() bool { return d.urls.Len() > 0 }

// Patched tells that an MPD says where patches of it are (PatchLocation).
func Patched(d *Presentation) bool { return d.whole && d.patched }

// Abroad tells that a URI which is led stands below another host's BaseURL, or may, where it is
// in a part of an MPD: with a path in its place it would lead there.
func Abroad(d *Presentation) bool { return d.abroad }

// maxLocations bounds the Locations that are remembered.
const maxLocations = 4

// Locations are where the MPD is to be asked for from now on, at our origin, as the cluster
// calls it.
func Locations(d *Presentation) (at []string) {
	for _, s := range d.locations {
		text, ok := scan.Decode(nil, s.Of(d.Body), d.entities)
		if !ok || len(text) == 0 {
			continue
		}
		path, class := d.Origin.Resolve(nil, d.Base, text)
		if class != uri.Inside {
			continue
		}
		if target, ok := d.Origin.Below(path); ok {
			at = append(at, string(target))
		}
	}
	return at
}

// Whole tells that it is an MPD, and no part of one.
func (d *Presentation) Whole() bool { return d.whole }

// Window is how much it lists, as far as that is said.
func (d *Presentation) Window() time.Duration {
	if d.window > 0 {
		return d.window
	}
	first, last, ok := d.edges()
	if !ok {
		return 2 * max(d.update, time.Second)
	}
	return last - first
}

// Ahead is what a viewer at the live edge has left to play when nothing is added.
func (d *Presentation) Ahead() time.Duration {
	return min(d.Window(), max(d.delay, 3*max(d.update, time.Second)))
}

// Children are what an MPD names: none that is a track.
func (d *Presentation) Children() []track.Child { return nil }
