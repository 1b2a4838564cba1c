package dash

import (
	"bytes"
	"time"

	"tandem/internal/media/scan"
	"tandem/internal/media/track"
)

// mpd reads the root.
func (p *reader) mpd() {
	d := p.Presentation
	if d.whole {
		return
	}
	d.whole = true
	d.dynamic = string(p.text("type")) == "dynamic"
	d.published, d.since = p.moment("publishTime"), p.moment("availabilityStartTime")
	d.update, d.window = p.duration("minimumUpdatePeriod"), p.duration("timeShiftBufferDepth")
	d.delay, d.length = p.duration("suggestedPresentationDelay"), p.duration("mediaPresentationDuration")
}

func (p *reader) period() {
	p.open(levelPeriod)
	if p.Budget.Broke {
		return
	}
	e := p.periods.At(p.periods.Len() - 1)
	e.id, _ = p.get("id")
	_, e.started = p.get("start")
	e.start, e.length = p.duration("start"), p.duration("duration")
}

func (p *reader) set() {
	p.open(levelSet)
	if p.Budget.Broke {
		return
	}
	e := p.sets.At(p.sets.Len() - 1)
	e.kind, e.known = p.kindOfTag()
}

func (p *reader) representation() {
	p.open(levelRep)
	if p.Budget.Broke {
		return
	}
	e := p.reps.At(p.reps.Len() - 1)
	e.id, _ = p.get("id")
	e.bandwidth, _ = p.number("bandwidth")
	set := p.sets.At(int(e.set))
	if e.kind = set.kind; !set.known {
		if kind, ok := p.kindOfTag(); ok {
			e.kind = kind
		}
	}
}

// property knows the MPDs that are to follow this one or to stand in for it
// (ISO/IEC 23009-1 5.11), and sets that are for trick play: no track that anybody
// watches.
func (p *reader) property() {
	scheme := p.text("schemeIdUri")
	if bytes.HasPrefix(scheme, []byte("urn:mpeg:dash:chaining:")) || bytes.HasPrefix(scheme, []byte("urn:mpeg:dash:fallback:")) {
		if list, ok := p.get("value"); ok {
			p.refers(list)
		}
		return
	}
	if bytes.HasPrefix(scheme, []byte("urn:dvb:dash:fontdownload:")) { // ETSI TS 103 285 section 7.2
		if url, ok := p.get("url"); ok {
			p.refer(url, p.Folder, false, false)
		}
		return
	}
	if string(p.name) == "EssentialProperty" && p.inside >= levelSet && !p.Budget.Broke && bytes.Contains(scheme, []byte("trickmode")) {
		e := p.sets.At(p.sets.Len() - 1)
		e.kind, e.known = track.Other, true
	}
}

// kindOfTag is the kind that the tag in hand says.
func (p *reader) kindOfTag() (track.Kind, bool) {
	switch string(p.text("contentType")) {
	case "video":
		return track.Video, true
	case "audio":
		return track.Audio, true
	case "text":
		return track.Subtitles, true
	case "image":
		return track.Other, true
	}
	mime := p.text("mimeType")
	if kind := track.KindOfContent(mime, track.Other); kind != track.Other {
		return kind, true
	}
	return track.KindOfCodecs(p.text("codecs"))
}

// settle finds where periods begin and end.
func (d *Presentation) settle() {
	end := time.Duration(0)
	for i := range d.periods.Len() {
		p := d.periods.At(i)
		if !p.started {
			p.start = end
		}
		next := (*period)(nil)
		if i+1 < d.periods.Len() {
			next = d.periods.At(i + 1)
		}
		switch {
		case p.length > 0:
			p.end = min(p.start+p.length, scan.MaxTime)
		case next != nil && next.started:
			p.end = next.start
		case next == nil:
			p.end = d.length
		}
		if p.end < p.start {
			p.end = 0
		}
		end = max(p.end, p.start)
	}
}

// count is how many segments an addressing has in a period; -1: no end is known.
func (d *Presentation) count(a *addressing, p *period) int64 {
	length := int64(-1)
	if p.end > 0 {
		length = scan.ToUnits(p.end-p.start, a.scale)
	}
	n := int64(-1)
	switch {
	case a.urls > 0:
		return int64(a.urls)
	case a.runs > 0 && !a.open:
		return a.total
	case a.runs > 0:
		last := d.runs.At(int(a.run+a.runs) - 1)
		if length >= 0 {
			n = last.index + max(0, (length+a.offset-last.at+last.length-1)/last.length)
		}
	case a.duration > 0:
		if length >= 0 {
			n = (length + a.duration - 1) / a.duration
		}
	default:
		n = 1
	}
	if a.end >= 0 && !a.numbered && (n < 0 || a.end-a.start+1 < n) {
		n = max(0, a.end-a.start+1)
	}
	return n
}

// number is the number of segment i, and back.
func (a *addressing) number(i int64) int64 {
	if a.numbered {
		return i
	}
	return a.start + i
}

func (a *addressing) indexOf(number int64) int64 {
	if a.numbered {
		return number
	}
	return number - a.start
}

// when is where segment i begins, and how long it is, in units; false when there
// is no such segment, as far as that is known.
func (d *Presentation) when(a *addressing, p *period, i int64) (begin, length int64, ok bool) {
	if n := d.count(a, p); i < 0 || n >= 0 && i >= n {
		return 0, 0, false
	}
	if a.runs == 0 {
		if a.duration > 0 && i > scan.MaxUnits/a.duration {
			return 0, 0, false
		}
		return a.offset + i*a.duration, a.duration, true
	}
	n := d.runOf(a, func(r *run) bool { return r.index > i })
	if n < 0 {
		return 0, 0, false
	}
	r := d.runs.At(int(a.run) + n)
	if i-r.index > (scan.MaxUnits-r.at)/r.length {
		return 0, 0, false
	}
	return r.at + (i-r.index)*r.length, r.length, true
}

// at is the segment that begins at a time, in units.
func (d *Presentation) at(a *addressing, p *period, begin int64) (i int64, ok bool) {
	switch {
	case a.runs > 0:
		n := d.runOf(a, func(r *run) bool { return r.at > begin })
		if n < 0 {
			return 0, false
		}
		r := d.runs.At(int(a.run) + n)
		if (begin-r.at)%r.length != 0 {
			return 0, false
		}
		i = r.index + (begin-r.at)/r.length
	case a.duration > 0:
		if begin >= a.offset {
			begin -= a.offset
		}
		if begin%a.duration != 0 {
			return 0, false
		}
		i = begin / a.duration
	}
	b, _, ok := d.when(a, p, i)
	return i, ok && (a.runs == 0 || b == begin)
}

// runOf is the number of the last run before the first that is beyond; -1 when
// there is none.
func (d *Presentation) runOf(a *addressing, beyond func(*run) bool) int {
	from, to := 0, int(a.runs)
	for from < to {
		if middle := (from + to) / 2; beyond(d.runs.At(int(a.run) + middle)) {
			to = middle
		} else {
			from = middle + 1
		}
	}
	return from - 1
}

// last is the index of the last segment, and false when no end is known.
func (d *Presentation) last(a *addressing, p *period) (int64, bool) {
	n := d.count(a, p)
	return n - 1, n > 0
}
