package hls

import (
	"bytes"
	"slices"

	"tandem/internal/media/scan"
	"tandem/internal/media/steer"
)

// copied is a line of a multivariant playlist that every pathway has of its own: a
// tag, and the URI behind it where it is that of a variant.
type copied struct{ tag, uri scan.Span }

// Steer is a multivariant playlist with content steering: every variant and rendition
// is there once more for each of the edges. What there was stays as it is, first, for
// players that know no steering. False: it is none, or its origin steers itself, or
// leads to other hosts.
func Steer(body []byte, o *steer.Offer) ([]byte, bool) {
	if !o.Good() {
		return nil, false
	}
	lines, ok := steerable(body)
	if !ok || len(lines)*added(o) > maxAdded {
		return nil, false
	}
	head := bytes.IndexByte(body, '\n') + 1
	out := append(make([]byte, 0, (len(o.Edges)+2)*len(body)), body[:head]...)
	out = append(append(out, `#EXT-X-CONTENT-STEERING:SERVER-URI="`...), o.Server...)
	out = append(append(append(out, `",PATHWAY-ID="`...), o.First...), "\"\n"...)
	out = append(out, body[head:]...)
	if out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	for _, way := range o.Edges {
		for _, l := range lines {
			out = append(appendTag(out, body, l.tag, o, way), '\n')
			if l.uri.N > 0 {
				out = append(append(out, o.Under(way.Base, string(l.uri.Of(body)))...), '\n')
			}
		}
	}
	return out, true
}

// maxAdded bounds what the ways of all lines add to a playlist, in bytes: the address
// that it is asked for by is in each, and is the viewer's choice.
const maxAdded = 8 << 20

// added is what a line's copies have more than the line, in bytes.
func added(o *steer.Offer) int {
	n := 0
	for _, way := range o.Edges {
		n += len(o.At) + len(way.Base) + 4*len(way.ID) + 64
	}
	return n
}

// steerable are the lines that are copied; false where they can't be.
func steerable(body []byte) (lines []copied, ok bool) {
	variant, variants := scan.Span{}, 0
	for at := 0; at < len(body); {
		end, next := len(body), len(body)
		if n := bytes.IndexByte(body[at:], '\n'); n >= 0 {
			end, next = at+n, at+n+1
		}
		s := scan.Trim(body, at, end)
		at = next
		text := s.Of(body)
		switch {
		case s.N == 0:
		case text[0] != '#':
			if variant.N == 0 || !steer.Relative(string(text)) {
				return nil, false
			}
			lines, variant = append(lines, copied{variant, s}), scan.Span{}
			variants++
		case bytes.HasPrefix(text, []byte("#EXT-X-CONTENT-STEERING")):
			return nil, false
		default:
			kept, good := keeps(body, s)
			switch {
			case !good:
				return nil, false
			case kept && bytes.HasPrefix(text, []byte("#EXT-X-STREAM-INF:")):
				variant = s
			case kept:
				lines = append(lines, copied{tag: s})
			}
		}
	}
	return lines, variants > 0 && variant.N == 0
}

// grouped are the tags whose copies name groups of their own, and the attributes that
// do.
var grouped = map[string][]string{
	"#EXT-X-MEDIA":              {"GROUP-ID"},
	"#EXT-X-STREAM-INF":         {"AUDIO", "VIDEO", "SUBTITLES"},
	"#EXT-X-I-FRAME-STREAM-INF": {"VIDEO"},
	"#EXT-X-IMAGE-STREAM-INF":   {"VIDEO"},
}

// tagOf parts a tag's line into its name and where its attributes begin.
func tagOf(body []byte, line scan.Span) (name string, at int) {
	text := line.Of(body)
	colon := bytes.IndexByte(text, ':')
	if colon < 0 {
		return string(text), line.End()
	}
	return string(text[:colon]), int(line.At) + colon + 1
}

// keeps tells whether a tag is copied, and whether that can be done: closed captions
// are in the media themselves.
func keeps(body []byte, line scan.Span) (kept, good bool) {
	name, at := tagOf(body, line)
	if grouped[name] == nil {
		return false, true
	}
	for a := (attributes{body: body, at: at, end: line.End()}); a.next(); {
		value := string(a.value.Of(body))
		switch string(a.name) {
		case "PATHWAY-ID":
			return false, false
		case "TYPE":
			if value == "CLOSED-CAPTIONS" {
				return false, true
			}
		case "URI":
			if !steer.Relative(value) {
				return false, false
			}
		}
	}
	return true, true
}

// appendTag copies a tag for a pathway.
func appendTag(out, body []byte, line scan.Span, o *steer.Offer, way steer.Pathway) []byte {
	name, at := tagOf(body, line)
	from := int(line.At)
	for a := (attributes{body: body, at: at, end: line.End()}); a.next(); {
		value := a.value.Of(body)
		switch attribute := string(a.name); {
		case attribute == "URI":
			out = append(out, body[from:a.value.At]...)
			out = append(out, o.Under(way.Base, string(value))...)
			from = a.value.End()
		case slices.Contains(grouped[name], attribute):
			out = append(append(append(out, body[from:a.value.End()]...), '.'), way.ID...)
			from = a.value.End()
		}
	}
	out = append(out, body[from:line.End()]...)
	if name == "#EXT-X-MEDIA" {
		return out // a rendition is in the pathway of the variants that name its group
	}
	return append(append(append(out, `,PATHWAY-ID="`...), way.ID...), '"')
}
