package origin

import (
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tandem/internal/media"
	"tandem/origin/ingest"
)

// channel is a live channel that loops a stored stream. It is read once and
// never changes: what it shows is a function of the time.
type channel struct {
	prefix, source string // "/live/", "/sample/"
	window         int    // segments
	length         time.Duration
	tracks         []*loopTrack
	lists          map[string]*loopTrack   // media playlists, by path below prefix
	entries        map[string]string       // multivariant playlists -> the stored ones
	manifests      map[string][]*loopTrack // MPDs
	byDir          map[string]*loopTrack
}

// loopTrack is one rendition of a channel. Its segments are at
// <prefix><dir>/s<number><ext>.
type loopTrack struct {
	dir    string
	ext    string
	init   string // path of the stored initialisation segment, empty: none
	paths  []string
	format media.Format
	spans  []time.Duration
	line   timeline
	target time.Duration // no segment is longer, rounded to seconds
}

// loadChannel reads the stored stream that a channel loops.
func loadChannel(l *library, from loop, window int) (*channel, error) {
	c := &channel{
		prefix: from.prefix, source: from.source, window: window, lists: map[string]*loopTrack{},
		entries: map[string]string{}, manifests: map[string][]*loopTrack{}, byDir: map[string]*loopTrack{},
	}
	files, err := l.folder(strings.Trim(from.source, "/"))
	if err != nil {
		return nil, fmt.Errorf("there is no stream %s to loop (the built-in one needs --sample)", from.source)
	}
	var lists []string
	for _, f := range files {
		if f.IsDir() || !media.IsEntry(f.Name()) || !ingest.Shown(f.Name()) {
			continue
		}
		// Manifests come first: they know more about a rendition.
		if media.KindOf(f.Name(), "") != media.MPD {
			lists = append(lists, f.Name())
		} else if err := c.addManifest(l, f.Name()); err != nil {
			return nil, err
		}
	}
	for _, name := range lists {
		if err := c.addList(l, name); err != nil {
			return nil, err
		}
	}
	if len(c.tracks) == 0 {
		return nil, fmt.Errorf("%s holds no .m3u8 and no .mpd", from.source)
	}
	for _, t := range c.tracks {
		sum := time.Duration(0)
		for _, d := range t.spans {
			sum += d
		}
		c.length = max(c.length, sum)
	}
	for _, t := range c.tracks {
		t.line = newTimeline(c.length, t.spans)
	}
	return c, nil
}

func (c *channel) parse(l *library, name string) (*media.Manifest, []media.Track, error) {
	m, err := l.manifest(c.source + name)
	if err == nil {
		err = m.Flaw()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s%s: %w", c.source, name, err)
	}
	tracks, err := m.Tracks(time.Time{})
	if err != nil {
		return nil, nil, fmt.Errorf("%s%s: %w", c.source, name, err)
	}
	return m, tracks, nil
}

func (c *channel) addManifest(l *library, name string) error {
	_, tracks, err := c.parse(l, name)
	if err != nil {
		return err
	}
	for i := range tracks {
		t, err := c.addTrack(&tracks[i])
		if err != nil {
			return fmt.Errorf("%s%s: %w", c.source, name, err)
		}
		t.format = tracks[i].Format
		c.manifests[name] = append(c.manifests[name], t)
	}
	return nil
}

// addList adds a media playlist, or a multivariant one with all that it names.
// A multivariant playlist is served as it is stored: what it names has the same
// names in the channel.
func (c *channel) addList(l *library, name string) error {
	if c.lists[name] != nil {
		return nil
	}
	m, tracks, err := c.parse(l, name)
	if err != nil {
		return err
	}
	if len(tracks) == 1 {
		t, err := c.addTrack(&tracks[0])
		if err != nil {
			return fmt.Errorf("%s%s: %w", c.source, name, err)
		}
		c.lists[name] = t
		return nil
	}
	if m.Edits().Count() > 0 {
		return fmt.Errorf("%s%s: a stream with root-relative URIs can't be looped; make them relative", c.source, name)
	}
	c.entries[name] = c.source + name
	if m.Foreign() > 0 {
		return fmt.Errorf("%s%s: a stream with URIs on other hosts can't be looped", c.source, name)
	}
	for _, child := range m.Children() {
		below, ok := strings.CutPrefix(child.Target, c.source)
		if !ok || !ingest.Shown(below) {
			return fmt.Errorf("%s%s: %s lies outside %s and can't be looped", c.source, name, child.Target, c.source)
		}
		if c.entries[below] != "" {
			continue
		}
		if err := c.addList(l, below); err != nil {
			return err
		}
	}
	return nil
}

// addTrack adds a rendition; one with the same stored segments is the same one,
// so that HLS and DASH share the channel's segments as they share the files.
func (c *channel) addTrack(from *media.Track) (*loopTrack, error) {
	if len(from.Segments) == 0 {
		return nil, fmt.Errorf("a rendition without segments can't be looped")
	}
	t := &loopTrack{init: from.Init, ext: path.Ext(from.Segments[0].URI)}
	for _, s := range from.Segments {
		switch {
		case s.Range != media.ByteRange{}:
			return nil, fmt.Errorf("%s is cut by byte ranges and can't be looped; cut it into files", s.URI)
		case s.Duration < time.Millisecond || s.Map != from.Init:
			return nil, fmt.Errorf("%s has no duration, or another EXT-X-MAP than those before it, and can't be looped", s.URI)
		case !strings.HasPrefix(s.URI, c.source) || !ingest.Shown(s.URI[1:]):
			return nil, fmt.Errorf("%s lies outside %s and can't be looped", s.URI, c.source)
		}
		t.paths = append(t.paths, s.URI)
		t.spans = append(t.spans, s.Duration)
		t.target = max(t.target, s.Duration.Round(time.Second), time.Second)
	}
	for _, known := range c.tracks {
		if known.paths[0] == t.paths[0] && len(known.paths) == len(t.paths) {
			return known, nil
		}
	}
	t.dir = strings.TrimPrefix(strings.TrimPrefix(path.Dir(t.paths[0]), strings.TrimSuffix(c.source, "/")), "/")
	if t.dir == "" || c.byDir[t.dir] != nil {
		t.dir = path.Join(t.dir, "t"+strconv.Itoa(len(c.tracks)))
	}
	c.tracks = append(c.tracks, t)
	c.byDir[t.dir] = t
	return t, nil
}

// initName is the initialisation segment's path below the channel.
func (t *loopTrack) initName() string { return path.Join(t.dir, "init"+path.Ext(t.init)) }

// segmentName is a segment's path below the channel.
func (t *loopTrack) segmentName(sequence int64) string {
	return path.Join(t.dir, "s"+strconv.FormatInt(sequence, 10)+t.ext)
}

// relative is how a playlist at path name refers to a path; both are below the
// channel.
func relative(name, target string) string {
	rel, err := filepath.Rel(path.Dir(name), target)
	if err != nil {
		return target // both are relative and clean: it can't happen
	}
	return filepath.ToSlash(rel)
}

// find answers for a path below the channel: a playlist made for now, or the
// path of the stored object that stands for it.
func (c *channel) find(below string, now time.Time) (body []byte, target string, cache string, err error) {
	if t := c.lists[below]; t != nil {
		return c.playlist(below, t, now), "", liveFor(t.target), nil
	}
	if tracks := c.manifests[below]; tracks != nil {
		return c.manifest(below, tracks, now), "", liveFor(tracks[0].target), nil
	}
	if stored := c.entries[below]; stored != "" {
		return nil, stored, "", nil
	}
	t := c.byDir[path.Dir(below)]
	if t == nil {
		return nil, "", "", errNotFound
	}
	if t.init != "" && below == t.initName() {
		return nil, t.init, "", nil
	}
	digits, ok := strings.CutPrefix(path.Base(below), "s")
	sequence, bad := strconv.ParseInt(strings.TrimSuffix(digits, t.ext), 10, 64)
	if !ok || bad != nil || sequence < 0 || t.segmentName(sequence) != below {
		return nil, "", "", errNotFound
	}
	if err := t.line.check(now, sequence, c.window); err != nil {
		return nil, "", "", err
	}
	_, i := t.line.place(sequence)
	return nil, t.paths[i], "", nil
}
