package dash

import (
	"bytes"
	"time"

	"tandem/internal/media/edit"
	"tandem/internal/media/scan"
)

// reader goes through an MPD once, from its first byte to its last.
type reader struct {
	*Presentation
	levels  [4]level
	inside  int         // the deepest level that is open
	current *addressing // the element of addressing that is open

	timeline bool  // in a SegmentTimeline of it
	then     int64 // where the next S begins
	events   eventKind

	at    int // behind the tag in hand
	tag   int // where that begins
	name  []byte
	empty bool
	found []xmlAttribute

	edits     scan.List[placed]
	odds      scan.List[scan.Span] // URIs in which something is percent-encoded, in order
	escaped   int                  // how many of them are entered
	words     []string
	scratch   []byte
	taken     int     // its length
	climbed   [5]int  // how far references climb above the root at most: of each level, and of segments
	deeper    int     // so much deeper BaseURLs have to be, the sum
	rooted    [5]bool // likewise: whether rooted references climb to the root
	below     [4]int  // how many components a BaseURL of a level has at most
	reserved  bool    // there is a place for another BaseURL
	unbased   bool    // and it is needed
	dependent bool    // the reference that was taken last depends on what it is relative to
}

type xmlAttribute struct {
	name  []byte
	value scan.Span
}

// maxAttributes bounds the attributes of a tag that are looked at.
const maxAttributes = 64

// Parse reads an MPD, or a part of one.
func Parse(draft *edit.Draft) *Presentation {
	d := &Presentation{Draft: draft}
	p := reader{Presentation: d}
	p.levels[levelMPD] = level{at: p.Folder, low: p.Folder, addressing: -1}
	for body := d.Body; ; {
		n := bytes.IndexByte(body[p.at:], '<')
		if n < 0 || p.at+n+1 == len(body) {
			break
		}
		p.tag = p.at + n
		switch c := body[p.tag+1]; {
		case c == '!' || c == '?':
			p.at = scan.MarkupEnd(body, p.tag)
			if bytes.HasPrefix(body[p.tag:], []byte("<!DOCTYPE")) {
				d.entities.Declare(body[p.tag:p.at])
			}
		case c == '/':
			p.endTag()
		default:
			p.beginTag()
		}
	}
	p.close(levelMPD)
	d.settle()
	p.write()
	d.known = !d.Budget.Broke
	return d
}

func (p *reader) endTag() {
	begin := p.tag + 2
	n := bytes.IndexByte(p.Body[begin:], '>')
	if n < 0 {
		p.at = len(p.Body)
		return
	}
	p.at = begin + n + 1
	if e, ok := elements[string(scan.Local(bytes.TrimSpace(p.Body[begin:begin+n])))]; ok && e.end != nil {
		e.end(p)
	}
}

func (p *reader) beginTag() {
	body := p.Body
	end := p.tag + 1
	for end < len(body) && !scan.IsSpace(body[end]) && body[end] != '>' && body[end] != '/' {
		end++
	}
	p.name = scan.Local(body[p.tag+1 : end])
	reserve(p, body[p.tag+1:end])
	if p.timeline && len(p.name) == 1 && p.name[0] == 'S' {
		p.s(end)
		return
	}
	e, known := elements[string(p.name)]
	a := scan.XMLAttributes{Body: body, At: end}
	p.found = p.found[:0]
	for a.Next() {
		if known && len(p.found) < maxAttributes {
			p.found = append(p.found, xmlAttribute{scan.Local(a.Name), a.Value})
		}
		if a.Value.N > 0 {
			p.attribute(&e, a.Name, a.Value)
		}
	}
	p.at, p.empty = a.At, a.Empty
	if e.text && !p.empty {
		end := scan.TextEnd(body, p.at)
		text := scan.Between(p.at, end)
		if e.location && len(p.locations) < maxLocations {
			p.locations = append(p.locations, text)
		}
		p.refer(text, p.Folder, false, false)
		p.at = end
	}
	if e.begin != nil {
		e.begin(p)
		if p.empty && e.end != nil {
			e.end(p)
		}
	}
}

// attribute takes an attribute that holds a URI. Of the others those that name
// the origin are counted: nobody knows what they are for.
func (p *reader) attribute(e *element, name []byte, value scan.Span) {
	plain := scan.Local(name)
	for _, name := range e.uris {
		if string(plain) == name {
			if e.segment {
				p.wait(value)
				return
			}
			p.refer(value, p.levels[levelMPD].low, p.levels[levelMPD].mixed, p.levels[levelMPD].several)
			return
		}
	}
	if len(plain) < len(name) && string(plain) == "href" {
		p.refer(value, p.levels[levelMPD].low, p.levels[levelMPD].mixed, p.levels[levelMPD].several)
		return
	}
	if text := value.Of(p.Body); text[0]|0x20 == 'h' && len(plain) == len(name) && string(p.name) != "UTCTiming" {
		p.Names(text)
	}
}

// get is an attribute of the tag in hand.
func (p *reader) get(name string) (scan.Span, bool) {
	for _, a := range p.found {
		if string(a.name) == name {
			return a.value, true
		}
	}
	return scan.Span{}, false
}

func (p *reader) text(name string) []byte {
	s, _ := p.get(name)
	return s.Of(p.Body)
}

// number, duration and moment read an attribute; what is malformed is a flaw, and
// as if it were not there.
func (p *reader) number(name string) (int64, bool) {
	s, ok := p.get(name)
	if !ok {
		return 0, false
	}
	n, ok := scan.Units(s.Of(p.Body))
	if !ok {
		p.Flawed(int(s.At), name+" is no whole number")
	}
	return n, ok
}

func (p *reader) duration(name string) time.Duration {
	s, ok := p.get(name)
	if !ok {
		return 0
	}
	d, ok := scan.ISODuration(s.Of(p.Body))
	if !ok {
		p.Flawed(int(s.At), name+" is no duration")
	}
	return d
}

func (p *reader) moment(name string) int64 {
	s, ok := p.get(name)
	if !ok {
		return 0
	}
	t, ok := scan.ISOTime(s.Of(p.Body))
	if !ok {
		p.Flawed(int(s.At), name+" is no time")
	}
	return t
}

// passOver leaves an element as it is, with all in it: what protects the content,
// what is told to people, what is in an event.
func (p *reader) passOver() {
	if p.empty {
		return
	}
	body, name, depth := p.Body, p.name, 1
	for depth > 0 {
		n := bytes.IndexByte(body[p.at:], '<')
		if n < 0 || p.at+n+1 == len(body) {
			p.at = len(body)
			return
		}
		p.Names(bytes.TrimSpace(body[p.at : p.at+n]))
		p.at += n
		switch c := body[p.at+1]; {
		case c == '!' || c == '?':
			p.at = scan.MarkupEnd(body, p.at)
			continue
		case c == '/':
			begin := p.at + 2
			n := bytes.IndexByte(body[begin:], '>')
			if n < 0 {
				p.at = len(body)
				return
			}
			if bytes.Equal(scan.Local(bytes.TrimSpace(body[begin:begin+n])), name) {
				depth--
			}
			p.at = begin + n + 1
			continue
		}
		end := p.at + 1
		for end < len(body) && !scan.IsSpace(body[end]) && body[end] != '>' && body[end] != '/' {
			end++
		}
		same := bytes.Equal(scan.Local(body[p.at+1:end]), name)
		a := scan.XMLAttributes{Body: body, At: end}
		for a.Next() {
			if string(scan.Local(a.Name)) == "keyUriTemplate" && a.Value.N > 0 { // of segment encryption (ISO/IEC 23009-4)
				p.refer(a.Value, p.levels[levelMPD].low, p.levels[levelMPD].mixed, p.levels[levelMPD].several)
				continue
			}
			p.Names(a.Value.Of(body))
		}
		if p.at = a.At; same && !a.Empty {
			depth++
		}
	}
}
