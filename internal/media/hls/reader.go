package hls

import (
	"bytes"
	"math"
	"time"

	"tandem/internal/media/edit"
	"tandem/internal/media/scan"
	"tandem/internal/media/track"
)

// reader holds what the lines so far say about the next one.
type reader struct {
	*List
	imported func(name string) (Variable, bool) // nil: none

	timed   bool          // EXTINF was seen
	length  time.Duration // of the next segment
	piece   track.ByteRange
	partial bool // BYTERANGE was seen
	stream  bool // EXT-X-STREAM-INF was seen
	kind    track.Kind
	end     time.Duration // of the last segment

	expanded []byte // a URI with its variables
	pieces   []piece
	words    int64 // bytes of variables that edits put in
}

// Parse reads a playlist, which begins at place at of the draft's body. Imported
// gives the variables of the multivariant playlist that names it; nil: none is
// known.
func Parse(d *edit.Draft, at int, imported func(name string) (Variable, bool)) *List {
	p := reader{List: &List{Draft: d, known: true}, imported: imported}
	ends := byte('\n')
	if bytes.IndexByte(d.Body, ends) < 0 {
		ends = '\r' // as players read it
	}
	for body := d.Body; at < len(body); {
		end, next := len(body), len(body)
		if n := bytes.IndexByte(body[at:], ends); n >= 0 {
			end, next = at+n, at+n+1
		}
		if s := scan.Trim(body, at, end); s.N > 0 {
			p.line(s)
		}
		at = next
	}
	p.multivariant = p.multivariant && p.segments.Len() == 0
	p.known = p.known && !d.Budget.Broke
	return p.List
}

func (p *reader) line(s scan.Span) {
	text := s.Of(p.Body)
	switch {
	case text[0] != '#':
		p.lead(s)
		p.uri(s)
	case bytes.HasPrefix(text, []byte("#EXTM3U")):
		p.listed(s)
	case bytes.HasPrefix(text, []byte("#EXT")):
		name, value := text, scan.Between(s.End(), s.End())
		if colon := bytes.IndexByte(text, ':'); colon >= 0 {
			name, value = text[:colon], scan.Trim(p.Body, int(s.At)+colon+1, s.End())
		}
		tag, ok := tags[string(name)]
		if !ok {
			tag = anyTag
		}
		// Whatever names a URI is entered before what it says: edits go forward.
		if tag.whole && value.N > 0 {
			p.lead(value)
		}
		if tag.uris != nil {
			p.uris(value, tag.uris)
		}
		if tag.read != nil {
			tag.read(p, value)
		}
	}
}

// uri takes a line that is one: of a variant or a segment.
func (p *reader) uri(s scan.Span) {
	switch {
	case p.stream:
		p.stream = false
		if p.Budget.Hold(24) {
			p.children.Add(child{s, p.kind})
		}
	case p.timed:
		if !p.Budget.Hold(24) {
			return
		}
		i := uint32(p.segments.Len())
		p.end = min(p.end+p.length, scan.MaxTime)
		p.segments.Add(segment{s, p.end})
		if p.partial && p.Budget.Hold(24) {
			if p.piece.First < 0 { // behind the one before
				p.piece.First = 0
				if n := p.ranges.Len(); n > 0 && i > 0 {
					if before := p.ranges.At(n - 1); before.segment == i-1 {
						p.piece.First = before.First + before.Length
					}
				}
			}
			p.ranges.Add(fileRange{i, p.piece})
		}
	default:
		p.flaw(s, "a URI without #EXTINF or #EXT-X-STREAM-INF before it")
		return
	}
	p.timed, p.partial = false, false
}

func (p *reader) flaw(s scan.Span, what string) { p.Flawed(int(s.At), what) }

// note enters the number of the next segment.
func (p *reader) note(l *scan.List[uint32]) {
	if p.Budget.Hold(4) {
		l.Add(uint32(p.segments.Len()))
	}
}

func (p *reader) inf(v scan.Span) {
	p.listed(v)
	if comma := bytes.IndexByte(v.Of(p.Body), ','); comma >= 0 {
		v = scan.Trim(p.Body, int(v.At), int(v.At)+comma)
	}
	p.timed, p.length = true, p.seconds(v)
}

// listed reads what lists of channels say in EXTM3U and EXTINF: pictures, programme guides. Players
// of such lists keep them, and want whole URLs: they stay, and those that name the origin count.
func (p *reader) listed(v scan.Span) {
	for _, text, ok := bytes.Cut(v.Of(p.Body), []byte(`="`)); ok; _, text, ok = bytes.Cut(text, []byte(`="`)) {
		if end := bytes.IndexByte(text, '"'); end >= 0 {
			p.Names(text[:end])
			text = text[end+1:]
		}
	}
}

// skip reads EXT-X-SKIP: the segments that a delta update leaves out have their
// numbers.
func (p *reader) skip(v scan.Span) {
	n := p.whole(p.attribute(v, "SKIPPED-SEGMENTS"))
	if p.segments.Len() > 0 || n > math.MaxInt64-p.sequence {
		p.flaw(v, "#EXT-X-SKIP behind a segment")
		return
	}
	p.sequence, p.skipped = p.sequence+n, p.skipped+n
}

func (p *reader) header(v scan.Span) {
	if ref := p.attribute(v, "URI"); ref.N > 0 && p.Budget.Hold(24) {
		p.maps.Add(header{ref, uint32(p.segments.Len())})
	}
}

func (p *reader) part(v scan.Span) {
	ref := p.attribute(v, "URI")
	if ref.N == 0 || !p.Budget.Hold(56) {
		return
	}
	q := part{ref: ref, segment: uint32(p.segments.Len()), length: p.seconds(p.attribute(v, "DURATION"))}
	before := int64(0) // where the one before ends
	if n := p.parts.Len(); n > 0 {
		if last := p.parts.At(n - 1); last.segment == q.segment {
			q.number, before = last.number+1, last.First+last.Length
		}
	}
	if piece, ok := p.byteRange(p.attribute(v, "BYTERANGE")); ok {
		if piece.First < 0 {
			piece.First = before
		}
		q.ByteRange = piece
	}
	p.parts.Add(q)
}

func (p *reader) preload(v scan.Span) {
	if kind := p.attribute(v, "TYPE"); string(kind.Of(p.Body)) != "PART" {
		return
	}
	h := part{ref: p.attribute(v, "URI"), segment: uint32(p.segments.Len()), length: p.partTarget}
	if start := p.attribute(v, "BYTERANGE-START"); start.N > 0 {
		h.First = p.whole(start)
	}
	if length := p.attribute(v, "BYTERANGE-LENGTH"); length.N > 0 {
		h.Length = p.whole(length)
	}
	p.hint = h
}
