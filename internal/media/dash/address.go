package dash

import (
	"bytes"
	"time"

	"tandem/internal/media/scan"
)

// Kinds of addressing.
const (
	byBase = iota + 1
	byList
	byTemplate
)

// addressing is one SegmentBase, SegmentList or SegmentTemplate. What it does not
// say it has from the one above (see over).
type addressing struct {
	kind        uint8
	open        bool          // its last run goes on (r="-1")
	numbered    bool          // its runs have numbers of their own (S@n)
	scale       int64         // 0: not said
	duration    int64         // of every segment, in units; 0: not said
	start       int64         // startNumber, -1: not said
	end         int64         // endNumber, -1: not said
	offset      int64         // presentationTimeOffset, -1: not said
	early       time.Duration // availabilityTimeOffset
	media, init scan.Span
	initURL     bool      // init is a URL of its own, no template
	index       scan.Span // of the URL that the index of a file lies in; n 0: the file's own
	indexRange  scan.Span
	run, runs   int32
	total       int64 // segments of the runs, the open one's not counted
	url, urls   int32
}

// run is segments of the same length, one behind the other, in units. Where it
// ends the next one tells.
type run struct {
	at, length int64
	index      int64 // segments before it
}

func (p *reader) address(kind uint8) {
	p.current, p.timeline = nil, false
	d := p.Presentation
	if !p.Budget.Hold(160) {
		return
	}
	a := addressing{kind: kind, start: -1, end: -1, offset: -1, run: int32(d.runs.Len()), url: int32(d.urls.Len())}
	var ok bool
	if a.scale, ok = p.number("timescale"); ok && (a.scale == 0 || a.scale > 1<<32) {
		p.Flawed(p.tag, "timescale is out of bounds")
		a.scale = 1
	}
	a.duration, _ = p.number("duration")
	if n, ok := p.number("startNumber"); ok {
		a.start = n
	}
	if n, ok := p.number("endNumber"); ok {
		a.end = n
	}
	if n, ok := p.number("presentationTimeOffset"); ok {
		a.offset = n
	}
	if text := p.text("availabilityTimeOffset"); len(text) > 0 && string(text) != "INF" {
		a.early, _ = scan.Seconds(text)
	}
	a.media, _ = p.get("media")
	a.init, _ = p.get("initialization")
	a.indexRange, _ = p.get("indexRange")
	if l := &p.levels[p.inside]; l.addressing < 0 {
		l.addressing = int32(d.addressing.Len())
	}
	d.addressing.Add(a)
	p.current = d.addressing.At(d.addressing.Len() - 1)
}

func (p *reader) addressed() { p.current, p.timeline = nil, false }

func (p *reader) initial() {
	if url, ok := p.get("sourceURL"); ok && p.current != nil && p.current.init.N == 0 {
		p.current.init, p.current.initURL = url, true
	}
}

func (p *reader) indexed() {
	if p.current == nil {
		return
	}
	if url, ok := p.get("sourceURL"); ok {
		p.current.index = url
	}
	if r, ok := p.get("range"); ok {
		p.current.indexRange = r
	}
}

func (p *reader) segmentURL() {
	if p.current != nil && p.current.kind == byList && p.Budget.Hold(20) {
		p.urls.Add(uint32(p.tag))
		p.current.urls++
	}
}

func (p *reader) beginTimeline() {
	p.timeline, p.then = p.current != nil && !p.empty && p.current.runs == 0, 0
}

// s reads an S element: from at on are its attributes.
func (p *reader) s(at int) {
	a := scan.XMLAttributes{Body: p.Body, At: at}
	begin, length, repeat, number := p.then, int64(0), int64(0), int64(-1)
	ok := true
	for a.Next() {
		if len(a.Name) != 1 {
			continue
		}
		text := a.Value.Of(p.Body)
		var good bool
		switch a.Name[0] {
		case 't':
			begin, good = scan.Units(text)
		case 'd':
			length, good = scan.Units(text)
		case 'n':
			number, good = scan.Units(text)
		case 'r':
			if bytes.HasPrefix(text, []byte("-")) {
				repeat, good = -1, true
			} else {
				repeat, good = scan.Units(text)
			}
		default:
			good = true
		}
		ok = ok && good
	}
	p.at = a.At
	c := p.current
	if !ok || length == 0 || c.open && begin < p.then || repeat > (scan.MaxUnits-begin)/max(length, 1) || c.total > scan.MaxUnits {
		p.Flawed(p.tag, "S is out of bounds")
		p.timeline = false
		return
	}
	p.run(begin, length, repeat, number)
}

// run enters one; what goes on as the one before is the same one.
func (p *reader) run(begin, length, repeat, number int64) {
	c, d := p.current, p.Presentation
	if c.open { // the one before goes on to here
		before := d.runs.At(d.runs.Len() - 1)
		c.total = before.index + (begin-before.at+before.length-1)/before.length
		c.open = false
	}
	switch {
	case number >= 0 && c.runs == 0:
		c.numbered, c.total = true, number
	case number >= 0 && c.numbered && number != c.total:
		p.Flawed(p.tag, "the numbers of S have a gap")
	}
	same := false
	if c.runs > 0 {
		before := d.runs.At(d.runs.Len() - 1)
		same = before.length == length && begin == before.at+(c.total-before.index)*length
	}
	if !same {
		if !p.Budget.Hold(24) {
			p.timeline = false
			return
		}
		d.runs.Add(run{begin, length, c.total})
		c.runs++
	}
	if repeat < 0 {
		c.open, p.then = true, begin
		return
	}
	c.total += repeat + 1
	p.then = begin + (repeat+1)*length
}

// over is the addressing of a representation: what it says itself, and what those
// above it say that it does not.
func (d *Presentation) over(r *representation) (a addressing, ok bool) {
	set := d.sets.At(int(r.set))
	period := d.periods.At(int(set.period))
	for _, i := range [...]int32{r.addressing, set.addressing, period.addressing} {
		if i < 0 {
			continue
		}
		b := d.addressing.At(int(i))
		if !ok {
			a, ok = *b, true
			continue
		}
		if a.kind != b.kind {
			continue
		}
		a.inherit(b)
	}
	if a.scale == 0 {
		a.scale = 1
	}
	a.start = inherited(a.start, 1)
	a.offset = inherited(a.offset, 0)
	return a, ok
}

func inherited(n, above int64) int64 {
	if n < 0 {
		return above
	}
	return n
}

func (a *addressing) inherit(b *addressing) {
	if a.scale == 0 {
		a.scale = b.scale
	}
	if a.duration == 0 {
		a.duration = b.duration
	}
	a.start, a.end, a.offset = inherited(a.start, b.start), inherited(a.end, b.end), inherited(a.offset, b.offset)
	if a.early == 0 {
		a.early = b.early
	}
	if a.media.N == 0 {
		a.media = b.media
	}
	if a.init.N == 0 {
		a.init, a.initURL = b.init, b.initURL
	}
	if a.indexRange.N == 0 {
		a.index, a.indexRange = b.index, b.indexRange
	}
	if a.runs == 0 {
		a.run, a.runs, a.total, a.open, a.numbered = b.run, b.runs, b.total, b.open, b.numbered
	}
	if a.urls == 0 {
		a.url, a.urls = b.url, b.urls
	}
}
