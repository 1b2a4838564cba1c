package media

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// Presentation is a DASH manifest (an MPD).
type Presentation struct {
	Dynamic                    bool
	MinimumUpdatePeriod        time.Duration
	TimeShiftBufferDepth       time.Duration
	SuggestedPresentationDelay time.Duration
	Duration                   time.Duration // of a static presentation, 0: not said
	Tracks                     []Track       // one a representation; URIs relative to the MPD
}

// ParseMPD reads a manifest; now bounds the segments of a dynamic one that are
// listed by their number and duration only.
func ParseMPD(b []byte, now time.Time) (*Presentation, error) {
	if len(b) > MaxPlaylist {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrPlaylist, len(b), MaxPlaylist)
	}
	var doc xmlMPD
	if err := xml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPlaylist, err)
	}
	m := &Presentation{
		Dynamic: doc.Type == "dynamic", MinimumUpdatePeriod: time.Duration(doc.Update),
		TimeShiftBufferDepth: time.Duration(doc.Depth), SuggestedPresentationDelay: time.Duration(doc.Delay),
		Duration: time.Duration(doc.Duration),
	}
	e := expansion{mpd: m, now: now, left: MaxSegments, last: map[string]int{}}
	if t, err := time.Parse(time.RFC3339Nano, doc.AvailableSince); err == nil {
		e.since = t
	} else if t, err := time.Parse("2006-01-02T15:04:05.999999999", doc.AvailableSince); err == nil {
		e.since = t // without a zone: UTC, as packagers mean it
	}
	if err := e.document(&doc); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPlaylist, err)
	}
	return m, nil
}

// expansion turns addressing into lists of segments.
type expansion struct {
	mpd   *Presentation
	now   time.Time
	since time.Time      // availabilityStartTime
	left  int            // segments that may still be listed
	last  map[string]int // by representation: its track in the periods so far
	// of the period in hand
	start, end time.Duration // end 0: open
}

func (e *expansion) document(doc *xmlMPD) error {
	end := time.Duration(0)
	for i := range doc.Periods {
		p := &doc.Periods[i]
		e.start = end
		if p.Start != nil {
			e.start = time.Duration(*p.Start)
		}
		switch {
		case p.Duration > 0:
			e.end = e.start + time.Duration(p.Duration)
		case i+1 < len(doc.Periods) && doc.Periods[i+1].Start != nil:
			e.end = time.Duration(*doc.Periods[i+1].Start)
		default:
			e.end = time.Duration(doc.Duration)
		}
		end = e.end
		if err := e.period(p, first(doc.BaseURL)); err != nil {
			return err
		}
	}
	return nil
}

func (e *expansion) period(p *xmlPeriod, base string) error {
	base = resolve(base, first(p.BaseURL))
	for i := range p.Sets {
		set := &p.Sets[i]
		setBase := resolve(base, first(set.BaseURL))
		for j := range set.Representations {
			rep := &set.Representations[j]
			format := rep.xmlFormat.over(set.xmlFormat)
			t := Track{
				Base: resolve(setBase, first(rep.BaseURL)),
				Format: Format{
					ID: rep.ID, Set: i, ContentType: contentOf(set.ContentType, format.MimeType), MimeType: format.MimeType, Codecs: format.Codecs,
					Lang: set.Lang, Bandwidth: rep.Bandwidth, Width: format.Width, Height: format.Height,
					FrameRate: format.FrameRate, AudioSamplingRate: format.AudioSamplingRate,
				},
			}
			if err := e.segments(&t, rep.xmlAddressing.over(set.xmlAddressing).over(p.xmlAddressing)); err != nil {
				return fmt.Errorf("period %q, representation %q: %w", p.ID, rep.ID, err)
			}
			e.add(t)
		}
	}
	return nil
}

// add appends a track, or its segments to the same representation's of the
// periods before when their numbers go on.
func (e *expansion) add(t Track) {
	key := fmt.Sprintf("%d/%s", t.Format.Set, t.Format.ID)
	if at, ok := e.last[key]; ok && len(t.Segments) > 0 {
		before := &e.mpd.Tracks[at]
		n := len(before.Segments)
		if n == 0 || before.Segments[n-1].Sequence < t.Segments[0].Sequence {
			t.Segments[0].Discontinuity = n > 0
			before.Segments = append(before.Segments, t.Segments...)
			return
		}
	}
	e.last[key] = len(e.mpd.Tracks)
	e.mpd.Tracks = append(e.mpd.Tracks, t)
}

func first(urls []string) string {
	if len(urls) == 0 {
		return ""
	}
	return strings.TrimSpace(urls[0])
}

func contentOf(contentType, mimeType string) string {
	if contentType != "" {
		return contentType
	}
	kind, _, _ := strings.Cut(mimeType, "/")
	return kind
}
