package media

import (
	"bytes"
	"net/url"
	"strings"
	"time"
)

// Track is one rendition's segments in playing order.
type Track struct {
	Base     string // what the URIs were resolved against
	Init     string // initialisation segment, empty: none
	Segments []Seg
	Format   Format // what an MPD says of it; zero for HLS

	index map[string]int // position of the first segment with this URI
}

// Format is what an MPD says of a representation.
type Format struct {
	ID                string
	Set               int // number of its adaptation set in the period
	ContentType       string
	MimeType          string
	Codecs            string
	Lang              string
	Bandwidth         int64 // bits a second
	Width, Height     int
	FrameRate         string
	AudioSamplingRate string
}

// Tracks reads a playlist of either kind that lies at playlistPath. The URIs of
// its tracks, and of the further playlists that it names, are absolute paths,
// escaped and with their query, as they stand in a request; those on another
// host stay whole.
func Tracks(playlistPath string, body []byte, now time.Time) ([]Track, []string, error) {
	if isMPD(body) {
		mpd, err := ParseMPD(body, now)
		if err != nil {
			return nil, nil, err
		}
		for i := range mpd.Tracks {
			mpd.Tracks[i].settle(playlistPath)
		}
		return mpd.Tracks, nil, nil
	}
	list, err := ParseM3U8(body)
	if err != nil {
		return nil, nil, err
	}
	if list.Multivariant {
		further := make([]string, len(list.Renditions))
		for i, uri := range list.Renditions {
			further[i] = resolve(playlistPath, uri)
		}
		return nil, further, nil
	}
	t := Track{Base: playlistPath, Init: list.Map, Segments: list.Segments}
	t.settle(playlistPath)
	return []Track{t}, nil, nil
}

func isMPD(body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(body) > 0 && body[0] == '<'
}

// settle resolves the URIs against the playlist and builds the index.
func (t *Track) settle(playlistPath string) {
	t.Base = resolve(playlistPath, t.Base)
	if t.Init != "" {
		t.Init = resolve(playlistPath, t.Init)
	}
	t.index = make(map[string]int, len(t.Segments))
	lastFrom, lastTo := "", ""
	for i := range t.Segments {
		s := &t.Segments[i]
		s.URI = resolve(playlistPath, s.URI)
		if s.Map != "" {
			if s.Map != lastFrom {
				lastFrom, lastTo = s.Map, resolve(playlistPath, s.Map)
			}
			s.Map = lastTo
		}
		if _, ok := t.index[s.URI]; !ok {
			t.index[s.URI] = i
		}
	}
}

// at is the place of the first segment with this path; without its query when
// the playlist has none.
func (t *Track) at(path string) (int, bool) {
	i, ok := t.index[path]
	if !ok {
		if bare, _, found := strings.Cut(path, "?"); found {
			i, ok = t.index[bare]
		}
	}
	return i, ok
}

// Find tells the sequence number of a path; for a file that is many segments by
// byte ranges that of the first.
func (t *Track) Find(path string) (sequence int64, ok bool) {
	i, ok := t.at(path)
	if !ok {
		return 0, false
	}
	return t.Segments[i].Sequence, true
}

// Next is the at most n paths after path, each once; nil when path is unknown.
// Segments on other hosts are left out.
func (t *Track) Next(path string, n int) []string {
	i, ok := t.at(path)
	if !ok || n <= 0 {
		return nil
	}
	var paths []string
	last := t.Segments[i].URI
	for _, s := range t.Segments[i+1:] {
		if s.URI == last || !strings.HasPrefix(s.URI, "/") {
			continue
		}
		last = s.URI
		paths = append(paths, last)
		if len(paths) == n {
			break
		}
	}
	return paths
}

// Duration is how long the segment at path plays, 0 when it is unknown.
func (t *Track) Duration(path string) time.Duration {
	i, ok := t.at(path)
	if !ok {
		return 0
	}
	return t.Segments[i].Duration
}

// resolve is url.ResolveReference for what playlists hold; a reference that is
// no URI is taken for a file name. "" refers to the base itself.
func resolve(base, ref string) string {
	if ref == "" {
		return base
	}
	if base == "" {
		return ref
	}
	if plain(ref) && plain(strings.TrimPrefix(base, "/")) {
		return base[:strings.LastIndexByte(base, '/')+1] + ref
	}
	b, err := url.Parse(base)
	if err != nil {
		return ref
	}
	r, err := url.Parse(ref)
	if err != nil {
		return ref
	}
	if b.Host == "" && !strings.HasPrefix(b.Path, "/") && r.Host == "" && !strings.HasPrefix(r.Path, "/") {
		return joined(b, r)
	}
	u := b.ResolveReference(r)
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}

// joined resolves within a relative base, which ResolveReference would make
// absolute: BaseURLs are joined before the MPD's own path is known.
func joined(base, ref *url.URL) string {
	dir := base.EscapedPath()
	dir = dir[:strings.LastIndexByte(dir, '/')+1]
	text := dir + ref.EscapedPath()
	if ref.RawQuery != "" {
		text += "?" + ref.RawQuery
	}
	return text
}

// plain tells whether a reference only needs to be appended to a folder.
func plain(ref string) bool {
	if ref == "" || ref[0] == '/' || ref[0] == '.' {
		return false
	}
	for i := range len(ref) {
		// What a request would carry escaped, or what has a meaning in a URI.
		if c := ref[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(":?#\\%\"<>^`{|}", c) >= 0 {
			return false
		}
	}
	return !strings.Contains(ref, "/.") && !strings.Contains(ref, "//")
}
