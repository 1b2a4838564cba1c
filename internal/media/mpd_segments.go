package media

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxNumber bounds segment numbers and times, so that sums can't overflow.
const maxNumber = 1 << 60

var errTooMany = fmt.Errorf("more than %d segments", MaxSegments)

// segments lists the segments of one representation in one period.
func (e *expansion) segments(t *Track, a xmlAddressing) error {
	switch {
	case a.Template != nil:
		return e.template(t, a.Template)
	case a.List != nil && len(a.List.URLs) > 0:
		return e.list(t, a.List)
	default:
		// SegmentBase or nothing: the representation is one file.
		if t.Base == "" || strings.HasSuffix(t.Base, "/") {
			return nil
		}
		if e.left--; e.left < 0 {
			return errTooMany
		}
		if a.Single != nil && a.Single.InitElement != nil && a.Single.InitElement.SourceURL != "" {
			t.Init = resolve(t.Base, a.Single.InitElement.SourceURL)
		}
		t.Segments = []Seg{{Sequence: 1, URI: t.Base, Duration: max(0, e.end-e.start), Map: t.Init}}
		return nil
	}
}

// unit is one segment of a timeline, in the timescale's units.
type unit struct{ number, time, duration int64 }

// timing is what template and list share.
type timing struct {
	timescale uint64
	duration  float64 // of every segment, in units; 0: the timeline says it
	start     int64
	end       int64 // last number, 0: not said
	timeline  *xmlTimeline
}

func timingOf(s *xmlSegments) (timing, error) {
	t := timing{timescale: 1, start: 1, timeline: s.Timeline}
	if s.Timescale != nil {
		t.timescale = *s.Timescale
	}
	if s.Duration != nil {
		t.duration = *s.Duration
	}
	if s.StartNumber != nil {
		t.start = *s.StartNumber
	}
	if s.EndNumber != nil {
		t.end = *s.EndNumber
	}
	if t.timescale == 0 || t.timescale > 1<<32 {
		return t, fmt.Errorf("timescale %d", t.timescale)
	}
	if !(t.duration >= 0 && t.duration <= maxNumber) || t.start < 0 || t.start > maxNumber || t.end < 0 || t.end > maxNumber {
		return t, errors.New("a number out of bounds")
	}
	return t, nil
}

func (t timing) span(units int64) time.Duration {
	return time.Duration(float64(units) / float64(t.timescale) * float64(time.Second))
}

func (t timing) units(d time.Duration) float64 { return d.Seconds() * float64(t.timescale) }

func (e *expansion) template(t *Track, s *xmlSegments) error {
	if s.Init != nil {
		t.Init = resolve(t.Base, fill(*s.Init, t, unit{}))
	} else if s.InitElement != nil && s.InitElement.SourceURL != "" {
		t.Init = resolve(t.Base, s.InitElement.SourceURL)
	}
	if s.Media == nil {
		return nil
	}
	when, err := timingOf(s)
	if err != nil {
		return err
	}
	units, err := e.units(when)
	if err != nil {
		return err
	}
	// Without a number in its name a segment is known by its time.
	byTime := !strings.Contains(*s.Media, "$Number") && strings.Contains(*s.Media, "$Time")
	t.Segments = make([]Seg, 0, len(units))
	for _, u := range units {
		seg := Seg{Sequence: u.number, URI: resolve(t.Base, fill(*s.Media, t, u)), Duration: when.span(u.duration), Map: t.Init}
		if byTime {
			seg.Sequence = u.time
		}
		t.Segments = append(t.Segments, seg)
	}
	return nil
}

func (e *expansion) list(t *Track, s *xmlSegments) error {
	when, err := timingOf(s)
	if err != nil {
		return err
	}
	if e.left -= len(s.URLs); e.left < 0 {
		return errTooMany
	}
	if s.InitElement != nil && s.InitElement.SourceURL != "" {
		t.Init = resolve(t.Base, s.InitElement.SourceURL)
	}
	var units []unit
	if when.timeline != nil {
		if units, err = e.timeline(when); err != nil {
			return err
		}
	}
	for i, u := range s.URLs {
		seg := Seg{Sequence: when.start + int64(i), URI: resolve(t.Base, u.Media), Duration: when.span(int64(when.duration)), ByteRange: u.MediaRange, Map: t.Init}
		if i < len(units) {
			seg.Duration = when.span(units[i].duration)
		}
		t.Segments = append(t.Segments, seg)
	}
	return nil
}

func (e *expansion) units(when timing) ([]unit, error) {
	if when.timeline != nil {
		return e.timeline(when)
	}
	return e.counted(when)
}

// timeline expands S elements; r="-1" goes on to the next S or the period's end.
func (e *expansion) timeline(when timing) ([]unit, error) {
	var units []unit
	at, number := int64(0), when.start
	for i, s := range when.timeline.S {
		if s.T != nil {
			at = *s.T
		}
		if s.N != nil {
			number = *s.N
		}
		if s.D <= 0 || s.D > maxNumber || at < 0 || at > maxNumber || number < 0 || number > maxNumber {
			return nil, errors.New("SegmentTimeline: a number out of bounds")
		}
		count := s.R + 1
		if s.R < 0 {
			count = e.repeats(when, i, at)
		}
		if count > int64(e.left) {
			return nil, errTooMany
		}
		e.left -= int(count)
		for range count {
			units = append(units, unit{number, at, s.D})
			at += s.D
			number++
			if at > maxNumber {
				return nil, errors.New("SegmentTimeline: a number out of bounds")
			}
		}
	}
	return units, nil
}

// repeats counts the segments of an S with r="-1".
func (e *expansion) repeats(when timing, i int, at int64) int64 {
	d := float64(when.timeline.S[i].D)
	until := 0.0
	switch {
	case i+1 < len(when.timeline.S) && when.timeline.S[i+1].T != nil:
		until = float64(*when.timeline.S[i+1].T)
	case e.mpd.Dynamic && (e.end == 0 || e.now.Sub(e.since) < e.end):
		// Only what is complete by now.
		return max(0, int64(min((when.units(e.now.Sub(e.since)-e.start)-float64(at))/d, maxNumber)))
	default:
		until = when.units(e.end - e.start)
	}
	n := min((until-float64(at))/d, maxNumber)
	count := int64(n)
	if n-float64(count) > 1e-3 {
		count++ // the last one may be shorter
	}
	return max(0, count)
}

// counted lists segments that all have the same duration.
func (e *expansion) counted(when timing) ([]unit, error) {
	if when.duration <= 0 {
		return nil, nil
	}
	from, count := int64(0), int64(0)
	whole := when.units(e.end-e.start) / when.duration
	if e.end > 0 {
		count = int64(min(whole+1-1e-3, maxNumber))
	}
	if when.end > 0 && (count == 0 || when.end-when.start+1 < count) {
		count = when.end - when.start + 1
	}
	if e.mpd.Dynamic {
		passed := e.now.Sub(e.since) - e.start
		complete := int64(max(0, min(when.units(passed)/when.duration, maxNumber)))
		if count == 0 || complete < count {
			count = complete
		}
		if depth := e.mpd.TimeShiftBufferDepth; depth > 0 {
			from = max(0, int64(min(when.units(passed-depth)/when.duration, maxNumber)))
		}
	}
	if count <= from {
		return nil, nil
	}
	if e.mpd.Dynamic {
		// A live programme without a window is as long as it has been on air.
		from = max(from, count-int64(e.left))
	}
	if count-from > int64(e.left) {
		return nil, errTooMany
	}
	e.left -= int(count - from)
	units := make([]unit, 0, count-from)
	for i := from; i < count; i++ {
		units = append(units, unit{when.start + i, int64(float64(i) * when.duration), int64(when.duration)})
	}
	return units, nil
}

// fill puts a segment's values into a template: $Number$, $Number%05d$, $Time$,
// $RepresentationID$, $Bandwidth$, $$.
func fill(template string, t *Track, u unit) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(template, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "$")
		if !closed {
			b.WriteString("$" + rest)
			return b.String()
		}
		template = after
		name, width, _ := strings.Cut(name, "%")
		switch name {
		case "":
			b.WriteByte('$')
		case "RepresentationID":
			b.WriteString(t.Format.ID)
		case "Number":
			padded(&b, u.number, width)
		case "Time":
			padded(&b, u.time, width)
		case "Bandwidth":
			padded(&b, t.Format.Bandwidth, width)
		}
	}
}

// padded writes a number in the form %0<width>d.
func padded(b *strings.Builder, n int64, form string) {
	text := strconv.FormatInt(n, 10)
	width, err := strconv.Atoi(strings.TrimSuffix(form, "d"))
	if err == nil && width <= 32 {
		for range width - len(text) {
			b.WriteByte('0')
		}
	}
	b.WriteString(text)
}
