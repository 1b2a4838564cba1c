package hls

import (
	"bytes"
	"math"
	"time"

	"tandem/internal/media/scan"
	"tandem/internal/media/track"
)

// attributes goes through an attribute list (rfc8216bis 4.2), and through what is
// nearly one.
type attributes struct {
	body    []byte
	at, end int
	name    []byte
	value   scan.Span
}

// next reads one more attribute; false at the end of the list.
func (a *attributes) next() bool {
	for a.at < a.end && (a.body[a.at] == ',' || scan.IsSpace(a.body[a.at])) {
		a.at++
	}
	equals := bytes.IndexByte(a.body[a.at:a.end], '=')
	if equals < 0 {
		return false
	}
	a.name = bytes.TrimSpace(a.body[a.at : a.at+equals])
	a.at += equals + 1
	for a.at < a.end && scan.IsSpace(a.body[a.at]) {
		a.at++
	}
	if a.at < a.end && a.body[a.at] == '"' {
		a.at++
		n := closing(a.body[a.at:a.end])
		if n < 0 {
			return false
		}
		a.value = scan.Between(a.at, a.at+n)
		a.at += n + 1
		return true
	}
	n := bytes.IndexByte(a.body[a.at:a.end], ',')
	if n < 0 {
		n = a.end - a.at
	}
	a.value = scan.Trim(a.body, a.at, a.at+n)
	a.at += n
	return true
}

// closingTries bounds the quotes that are looked at for one string.
const closingTries = 16

// closing is the quote that ends a quoted string, -1: there is none. Where quotes stand within
// it, which they may not, it is the one that ends the attribute, as hls.js and ffmpeg read it.
func closing(text []byte) int {
	first := bytes.IndexByte(text, '"')
	for at, tries := first, 0; at >= 0 && tries < closingTries; tries++ {
		rest := bytes.TrimLeft(text[at+1:], " \t")
		if len(rest) == 0 || rest[0] == ',' {
			return at
		}
		n := bytes.IndexByte(text[at+1:], '"')
		if n < 0 {
			break
		}
		at += 1 + n
	}
	return first
}

func (p *reader) attributes(v scan.Span) attributes {
	return attributes{body: p.Body, at: int(v.At), end: v.End()}
}

// attribute finds one attribute of a list; N 0: it has none.
func (p *reader) attribute(v scan.Span, name string) scan.Span {
	for a := p.attributes(v); a.next(); {
		if string(a.name) == name {
			return a.value
		}
	}
	return scan.Span{At: v.At}
}

// uris takes the attributes of a tag that hold URIs. Of the others, those that
// name the origin are counted: nobody knows what they are for.
func (p *reader) uris(v scan.Span, names []string) {
	for a := p.attributes(v); a.next(); {
		if a.value.N == 0 {
			continue
		}
		known := false
		for _, name := range names {
			known = known || string(a.name) == name
		}
		if known {
			p.lead(scan.Trim(p.Body, int(a.value.At), a.value.End()))
		} else {
			p.Names(a.value.Of(p.Body))
		}
	}
}

// whole reads a decimal number; what is none is a flaw, and makes positions
// unknown.
func (p *reader) whole(v scan.Span) int64 {
	n, ok := scan.Decimal(v.Of(p.Body))
	if !ok {
		p.flaw(v, "no whole number")
		p.known = false
	}
	return n
}

// seconds reads a duration; what is none is a flaw, and 0.
func (p *reader) seconds(v scan.Span) time.Duration {
	d, ok := scan.Seconds(v.Of(p.Body))
	if !ok {
		p.flaw(v, "no duration")
	}
	return d
}

// byteRange reads "length" or "length@first"; First -1: it is not said.
func (p *reader) byteRange(v scan.Span) (track.ByteRange, bool) {
	if v.N == 0 {
		return track.ByteRange{}, false
	}
	length, first, begun := bytes.Cut(v.Of(p.Body), []byte("@"))
	n, ok := scan.Decimal(bytes.TrimSpace(length))
	from := int64(-1)
	if begun {
		var good bool
		from, good = scan.Decimal(bytes.TrimSpace(first))
		ok = ok && good
	}
	if !ok || n == 0 || from > math.MaxInt64/4 || n > math.MaxInt64/4 {
		p.flaw(v, "no byte range")
		return track.ByteRange{}, false
	}
	return track.ByteRange{First: from, Length: n}, true
}
