package hls

import (
	"sync"
	"time"

	"tandem/internal/media/edit"
	"tandem/internal/media/scan"
	"tandem/internal/media/track"
)

// List is what a playlist says.
type List struct {
	*edit.Draft
	known        bool // positions are known
	multivariant bool

	ended         bool
	sequence      int64 // of the first segment that is in it
	skipped       int64 // segments before that, which a delta update leaves out
	discontinuity int64
	target        time.Duration
	partTarget    time.Duration

	segments scan.List[segment]
	ranges   scan.List[fileRange] // of those that are part of a file, in order
	maps     scan.List[header]    // in order
	gaps     scan.List[uint32]    // segments that are not there, in order
	breaks   scan.List[uint32]    // segments before which there is a discontinuity
	parts    scan.List[part]      // in order
	hint     part                 // of EXT-X-PRELOAD-HINT; N 0: none
	coming   scan.Span            // of EXT-X-PREFETCH
	children scan.List[child]     // of a multivariant playlist
	vars     map[string]Variable

	once    sync.Once
	index   scan.Table // made by once
	repeats bool       // a segment's name stands in it twice; made by once
}

type segment struct {
	ref scan.Span
	end time.Duration // from the start of the list
}

type fileRange struct {
	segment uint32
	track.ByteRange
}

// header is an initialisation segment (EXT-X-MAP).
type header struct {
	ref     scan.Span
	segment uint32 // the first that it is for
}

// part is a partial segment of LL-HLS.
type part struct {
	ref     scan.Span
	segment uint32 // the one it is a part of
	number  uint32 // counted from 0
	length  time.Duration
	track.ByteRange
}

// child is a playlist that a multivariant one names.
type child struct {
	ref  scan.Span
	kind track.Kind
}

// Multivariant tells that it names other playlists.
func (l *List) Multivariant() bool { return l.multivariant }

// Live tells whether it will change.
func (l *List) Live() bool { return !l.ended && !l.multivariant }

// Ended tells that it ends (EXT-X-ENDLIST).
func (l *List) Ended() bool { return l.ended }

// Interval is how long a segment plays at most (EXT-X-TARGETDURATION).
func (l *List) Interval() time.Duration { return l.target }

// MediaSequence is the number of the first segment that is in it.
func (l *List) MediaSequence() int64 { return l.sequence }

// Delta tells that a list is an update of one that a player has (EXT-X-SKIP).
func Delta(l *List) bool { return l.skipped > 0 }

// DiscontinuitySequence is that of the first segment.
func (l *List) DiscontinuitySequence() int64 { return l.discontinuity }

// Window is how much it lists; of what a delta update leaves out, as much as it may be.
func (l *List) Window() time.Duration {
	return l.start(l.segments.Len()) + time.Duration(min(l.skipped, maxSkipped))*min(l.target, time.Minute)
}

// maxSkipped bounds the segments that count as left out.
const maxSkipped = 1 << 20

// Ahead is what a viewer at the live edge has left to play when nothing is added:
// players stay three segments behind (rfc8216bis 6.3.3), or as far as the window
// goes.
func (l *List) Ahead() time.Duration {
	return min(max(l.Window()-l.target, 0), 3*max(l.target, time.Second))
}

// start is when segment i begins.
func (l *List) start(i int) time.Duration {
	if i == 0 {
		return 0
	}
	return l.segments.At(i - 1).end
}

// Tracks lists its segments, or none of a multivariant playlist.
func (l *List) Tracks() ([]track.Track, error) {
	if l.multivariant {
		return nil, nil
	}
	if l.segments.Len() > track.MaxSegments {
		return nil, track.ErrTooMany
	}
	w := newWorkspace()
	defer w.release()
	called := func(s scan.Span) string {
		if target, ok := l.called(w, s); ok {
			return string(target)
		}
		return string(s.Of(l.Body))
	}
	t := track.Track{Segments: make([]track.Seg, 0, l.segments.Len())}
	maps, breaks, initial := 0, 0, ""
	for i := range l.segments.Len() {
		for ; maps < l.maps.Len() && int(l.maps.At(maps).segment) <= i; maps++ {
			initial = called(l.maps.At(maps).ref)
		}
		if t.Init == "" {
			t.Init = initial
		}
		s := track.Seg{Sequence: l.sequence + int64(i), URI: called(l.entry(i)), Duration: l.segments.At(i).end - l.start(i), Map: initial}
		s.Range, _ = l.extent(i)
		for ; breaks < l.breaks.Len() && int(*l.breaks.At(breaks)) <= i; breaks++ {
			s.Discontinuity = true
		}
		t.Segments = append(t.Segments, s)
	}
	return []track.Track{t}, nil
}
