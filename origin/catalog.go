package origin

import (
	"path"
	"sort"
	"sync"
	"time"

	"tandem/internal/media"
	"tandem/origin/ingest"
)

// Bounds of the search for streams.
const (
	catalogDepth   = 6
	catalogEntries = 20_000
	catalogFor     = time.Second // how long what was found is repeated
)

// Stream is one stream of the catalog.
type Stream struct {
	Stream string `json:"stream"` // "/sample/"
	HLS    string `json:"hls,omitempty"`
	DASH   string `json:"dash,omitempty"`
	Live   bool   `json:"live"`
}

// catalog finds streams: folders with a multivariant playlist, an MPD, or a
// media playlist that no other one names. Safe for many goroutines.
type catalog struct {
	library  *library
	channels []*channel
	now      func() time.Time

	mu    sync.Mutex
	found []Stream  // guarded by mu
	at    time.Time // guarded by mu
}

func (c *catalog) streams() []Stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.found != nil && now.Sub(c.at) < catalogFor && !now.Before(c.at) {
		return c.found
	}
	s := search{library: c.library, left: catalogEntries, found: []Stream{}, named: map[string]bool{}}
	if c.library.root != nil {
		s.folder("", 0)
	}
	if c.library.sample != nil {
		s.folder(sampleName, 0)
	}
	for _, ch := range c.channels {
		s.found = append(s.found, ch.stream())
	}
	sort.Slice(s.found, func(i, j int) bool { return s.found[i].Stream < s.found[j].Stream })
	c.found, c.at = s.found, now
	return c.found
}

// stream is a looped channel's line in the catalog.
func (c *channel) stream() Stream {
	s := Stream{Stream: c.prefix, Live: true}
	for name := range c.manifests {
		s.DASH = c.prefix + better(below(s.DASH, c.prefix), name)
	}
	for name := range c.entries {
		s.HLS = c.prefix + better(below(s.HLS, c.prefix), name)
	}
	if s.HLS == "" {
		for name := range c.lists {
			s.HLS = c.prefix + better(below(s.HLS, c.prefix), name)
		}
	}
	return s
}

func below(path, prefix string) string {
	if path == "" {
		return ""
	}
	return path[len(prefix):]
}

// better picks the entry of a folder: master and manifest by custom, else the
// first by name.
func better(a, b string) string {
	rank := func(name string) int {
		switch path.Base(name) {
		case "master.m3u8", "manifest.mpd":
			return 0
		case "index.m3u8", "index.mpd", "stream.mpd":
			return 1
		default:
			return 2
		}
	}
	switch {
	case a == "":
		return b
	case rank(a) != rank(b):
		if rank(a) < rank(b) {
			return a
		}
		return b
	default:
		return min(a, b)
	}
}

// search walks the folders of the library.
type search struct {
	library *library
	left    int // entries that may still be looked at
	found   []Stream
	named   map[string]bool // playlists that a multivariant one names
}

func (s *search) folder(name string, depth int) {
	entries, err := s.library.folder(name)
	if err != nil || depth > catalogDepth {
		return
	}
	if s.left -= len(entries); s.left < 0 {
		return
	}
	prefix := "/"
	if name != "" {
		prefix = "/" + name + "/"
	}
	stream := Stream{Stream: prefix}
	var folders, lists []string
	for _, e := range entries {
		switch {
		case !ingest.Shown(e.Name()) || name == "" && e.Name() == sampleName && s.library.sample != nil:
		case e.IsDir():
			folders = append(folders, e.Name())
		case media.IsEntry(e.Name()):
			lists = append(lists, e.Name())
		}
	}
	s.entries(&stream, lists)
	if stream.HLS != "" || stream.DASH != "" {
		s.found = append(s.found, stream)
	}
	for _, f := range folders {
		s.folder((prefix + f)[1:], depth+1)
	}
}

// entries finds the entries among a folder's playlists.
func (s *search) entries(stream *Stream, names []string) {
	hls, plain, dash := "", "", ""
	var alone []string
	for _, name := range names {
		file := stream.Stream + name
		m, err := s.library.manifest(file)
		if err != nil || m.Flaw() != nil {
			continue
		}
		switch m.Kind() {
		case media.MPD:
			dash = better(dash, name)
			stream.Live = stream.Live || m.Live()
		case media.Multivariant:
			hls = better(hls, name)
			stream.Live = stream.Live || s.name(m)
		default:
			alone = append(alone, name)
			stream.Live = stream.Live || m.Live()
		}
	}
	for _, name := range alone {
		if !s.named[stream.Stream+name] {
			plain = better(plain, name)
		}
	}
	if hls == "" {
		hls = plain
	}
	if hls != "" {
		stream.HLS = stream.Stream + hls
	}
	if dash != "" {
		stream.DASH = stream.Stream + dash
	}
}

// name notes what a multivariant playlist names, and tells whether it is live.
func (s *search) name(m *media.Manifest) (live bool) {
	for i, child := range m.Children() {
		s.named[child.Target] = true
		if i > 0 {
			continue
		}
		if list, err := s.library.manifest(child.Target); err == nil {
			live = list.Live()
		}
	}
	return live
}
