package media

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bounds of what is parsed.
const (
	MaxPlaylist = 1 << 20 // bytes
	MaxSegments = 100_000
	// maxSeconds bounds a duration: longer than any segment or programme.
	maxSeconds = 1e9
)

// ErrPlaylist is returned for a body that is no playlist.
var ErrPlaylist = errors.New("malformed playlist")

// M3U8 is an HLS playlist (RFC 8216).
type M3U8 struct {
	Multivariant          bool
	Ended                 bool // nothing will be added
	MediaSequence         int64
	DiscontinuitySequence int64
	TargetDuration        time.Duration
	Map                   string // the first EXT-X-MAP, empty: none
	Segments              []Seg
	Renditions            []string // URIs of variants, renditions and I-frame playlists, each once
}

// Seg is one segment of a playlist.
type Seg struct {
	Sequence      int64
	URI           string
	Duration      time.Duration
	Discontinuity bool
	ByteRange     string // "length@offset", empty: the whole object
	Map           string // URI of its initialisation segment, empty: none
}

// ParseM3U8 reads a media or multivariant playlist.
func ParseM3U8(b []byte) (*M3U8, error) {
	if len(b) > MaxPlaylist {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrPlaylist, len(b), MaxPlaylist)
	}
	r := m3u8Reader{list: &M3U8{}, known: map[string]bool{}}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	number := 0
	for line := range bytes.Lines(b) {
		number++
		text := strings.TrimSpace(string(line))
		if number == 1 && text != "#EXTM3U" {
			return nil, fmt.Errorf("%w: line 1: want #EXTM3U", ErrPlaylist)
		}
		if err := r.line(text); err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrPlaylist, number, err)
		}
	}
	if number == 0 {
		return nil, fmt.Errorf("%w: line 1: want #EXTM3U", ErrPlaylist)
	}
	if r.list.Multivariant && len(r.list.Segments) > 0 {
		return nil, fmt.Errorf("%w: variants and segments in one playlist", ErrPlaylist)
	}
	for i := range r.list.Segments {
		r.list.Segments[i].Sequence = r.list.MediaSequence + int64(i)
	}
	return r.list, nil
}

// m3u8Reader holds what the lines so far say about the next URI line.
type m3u8Reader struct {
	list    *M3U8
	next    Seg
	timed   bool // EXTINF was seen
	variant bool // EXT-X-STREAM-INF was seen
	init    string
	known   map[string]bool
}

func (r *m3u8Reader) line(text string) error {
	switch {
	case text == "":
		return nil
	case strings.HasPrefix(text, "#EXT"):
		tag, value, _ := strings.Cut(text, ":")
		return r.tag(tag, value)
	case text[0] == '#':
		return nil
	case r.variant:
		r.variant = false
		return r.rendition(text)
	case r.timed:
		if len(r.list.Segments) == MaxSegments {
			return fmt.Errorf("more than %d segments", MaxSegments)
		}
		r.next.URI, r.next.Map = text, r.init
		r.list.Segments = append(r.list.Segments, r.next)
		r.next, r.timed = Seg{}, false
		return nil
	default:
		return errors.New("a URI without #EXTINF or #EXT-X-STREAM-INF before it")
	}
}

func (r *m3u8Reader) tag(tag, value string) (err error) {
	switch tag {
	case "#EXTINF":
		seconds, _, _ := strings.Cut(value, ",")
		r.timed = true
		r.next.Duration, err = fromSeconds(seconds)
	case "#EXT-X-TARGETDURATION":
		r.list.TargetDuration, err = fromSeconds(value)
	case "#EXT-X-MEDIA-SEQUENCE":
		r.list.MediaSequence, err = whole(value)
	case "#EXT-X-DISCONTINUITY-SEQUENCE":
		r.list.DiscontinuitySequence, err = whole(value)
	case "#EXT-X-DISCONTINUITY":
		r.next.Discontinuity = true
	case "#EXT-X-BYTERANGE":
		r.next.ByteRange = value
	case "#EXT-X-ENDLIST":
		r.list.Ended = true
	case "#EXT-X-MAP":
		r.init = attribute(value, "URI")
		if r.list.Map == "" {
			r.list.Map = r.init
		}
	case "#EXT-X-STREAM-INF":
		r.variant, r.list.Multivariant = true, true
	case "#EXT-X-MEDIA", "#EXT-X-I-FRAME-STREAM-INF":
		r.list.Multivariant = true
		if uri := attribute(value, "URI"); uri != "" {
			err = r.rendition(uri)
		}
	}
	return err
}

func (r *m3u8Reader) rendition(uri string) error {
	if r.known[uri] {
		return nil
	}
	if len(r.list.Renditions) == MaxSegments {
		return fmt.Errorf("more than %d renditions", MaxSegments)
	}
	r.known[uri] = true
	r.list.Renditions = append(r.list.Renditions, uri)
	return nil
}

// whole reads a decimal number that is not negative and leaves room for
// MaxSegments to be added.
func whole(text string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64-MaxSegments {
		return 0, fmt.Errorf("%.40q is no whole number", text)
	}
	return n, nil
}

// fromSeconds reads seconds with or without a fraction.
func fromSeconds(text string) (time.Duration, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(f >= 0 && f <= maxSeconds) {
		return 0, fmt.Errorf("%.40q is no duration", text)
	}
	return time.Duration(math.Round(f * float64(time.Second))), nil
}

// attribute finds a quoted attribute in an attribute list (RFC 8216 4.2).
func attribute(list, name string) string {
	from, to := attributeSpan(list, name)
	return list[from:to]
}

// attributeSpan is where the text between the quotes of an attribute is; 0, 0
// when there is none.
func attributeSpan(list, name string) (from, to int) {
	for at := 0; at < len(list); {
		equals := strings.IndexByte(list[at:], '=')
		if equals < 0 {
			return 0, 0
		}
		found := strings.TrimSpace(list[at:at+equals]) == name
		at += equals + 1
		if at < len(list) && list[at] == '"' {
			end := strings.IndexByte(list[at+1:], '"')
			if end < 0 {
				return 0, 0
			}
			if found {
				return at + 1, at + 1 + end
			}
			at += end + 2
		}
		comma := strings.IndexByte(list[at:], ',')
		if comma < 0 {
			return 0, 0
		}
		at += comma + 1
	}
	return 0, 0
}
