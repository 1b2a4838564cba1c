package dash

import (
	"bytes"

	"tandem/internal/media/scan"
	"tandem/internal/media/steer"
)

// top is what stands in an MPD before its first Period, as far as Steer replaces it.
type top struct {
	prefix   string // of its namespace, with the colon
	insert   int    // where what is new goes in: behind ProgramInformation
	cuts     []scan.Span
	based    bool
	base     string // its BaseURL, as it is written
	baseMore string // the attributes of that
	dynamic  bool
	located  bool
	location string // its Location, as it is written
	foreign  bool   // it is asked for again elsewhere
}

// under is a reference below a base, as it is written in a text.
func (t *top) under(o *steer.Offer, base, ref string) string {
	at := steer.Offer{At: escaped.Replace(o.At)}
	return at.Under(escaped.Replace(base), ref)
}

// place is the MPD's own address below a base.
func (t *top) place(o *steer.Offer, base string) string {
	if t.located {
		return t.under(o, base, t.location)
	}
	return escaped.Replace(base + o.At)
}

// piece is an element: its tag, and what is in it.
type piece struct {
	name     []byte
	from     int // where its tag begins
	within   int // behind its tag
	to       int // where its text ends, at a tag
	end      int // behind it, with its end tag where that follows the text
	empty    bool
	more     string // its attributes without serviceLocation
	placed   bool   // it has that
	dynamic  bool
	markup   bool // there is more than text in it
	finished bool // its end tag follows its text
}

func readPiece(body []byte, at int) piece {
	p := piece{from: at}
	end := at + 1
	for end < len(body) && !scan.IsSpace(body[end]) && body[end] != '>' && body[end] != '/' {
		end++
	}
	p.name = body[at+1 : end]
	a := scan.XMLAttributes{Body: body, At: end}
	for a.Next() {
		switch name := string(a.Name); name {
		case "serviceLocation":
			p.placed = true
		case "type":
			p.dynamic = string(a.Value.Of(body)) == "dynamic"
		default:
			quote := string(body[a.Value.End()])
			p.more += " " + name + "=" + quote + string(a.Value.Of(body)) + quote
		}
	}
	p.within, p.to, p.end, p.empty = a.At, a.At, a.At, a.Empty
	if p.empty {
		return p
	}
	p.to = scan.TextEnd(body, a.At)
	p.markup = bytes.IndexByte(body[p.within:p.to], '<') >= 0
	if p.finished = bytes.HasPrefix(body[p.to:], []byte("</")); p.finished {
		p.end = tagEnd(body, p.to)
	}
	return p
}

// tagEnd is behind an end tag.
func tagEnd(body []byte, at int) int {
	n := bytes.IndexByte(body[at:], '>')
	if n < 0 {
		return len(body)
	}
	return at + n + 1
}

// next is where the next tag begins from a place on.
func next(body []byte, at int) (int, bool) {
	at = scan.TextEnd(body, at)
	return at, at+1 < len(body)
}

// readTop reads what stands before the first Period.
func readTop(body []byte) (t top, ok bool) {
	at, ok := next(body, 0)
	if !ok {
		return t, false
	}
	mpd := readPiece(body, at)
	if string(scan.Local(mpd.name)) != "MPD" || mpd.empty {
		return t, false
	}
	t.prefix = string(mpd.name[:len(mpd.name)-len("MPD")])
	t.dynamic = mpd.dynamic
	behind := false // what goes before
	for at, ok = next(body, mpd.within); ok; at, ok = next(body, at) {
		if body[at+1] == '/' {
			break
		}
		p := readPiece(body, at)
		name := string(scan.Local(p.name))
		if name != "ProgramInformation" && !behind {
			t.insert, behind = at, true
		}
		switch name {
		case "Period":
			return t, true
		case "BaseURL", "Location":
			if !t.replace(body, name, p) {
				return t, false
			}
			at = p.end
		default:
			at = skip(body, p)
		}
	}
	return t, false
}

// replace takes an element whose place several others will have; false: that can't be.
func (t *top) replace(body []byte, name string, p piece) bool {
	text, _ := scan.Decode(nil, body[p.within:p.to], nil)
	plain := p.finished && !p.markup && !p.placed && len(text) > 0
	raw := string(bytes.TrimSpace(body[p.within:p.to]))
	switch {
	case name == "BaseURL" && (t.based || !plain || !steer.Relative(string(text))):
		return false
	case name == "BaseURL":
		t.based, t.base, t.baseMore = true, raw, p.more
	case t.located || t.foreign || !plain:
		return false
	case !steer.Relative(string(text)):
		t.foreign = true
		return true
	default:
		t.located, t.location = true, raw
	}
	t.cuts = append(t.cuts, scan.Between(p.from, p.end))
	return true
}

// skip is behind an element with all that is in it.
func skip(body []byte, p piece) int {
	if p.empty {
		return p.end
	}
	depth, at := 1, p.within
	for depth > 0 {
		var ok bool
		if at, ok = next(body, at); !ok {
			return len(body)
		}
		if body[at+1] == '/' {
			depth--
			at = tagEnd(body, at)
			continue
		}
		a := scan.XMLAttributes{Body: body, At: at + 1}
		for a.Next() {
		}
		if at = a.At; !a.Empty {
			depth++
		}
	}
	return at
}
