package media

import (
	"path"
	"strings"
)

// Kind is what an object is to a player.
type Kind int

// Kinds. An .m3u8 is a MediaPlaylist until it has been parsed.
const (
	Other Kind = iota
	MediaPlaylist
	Multivariant
	MPD
	Segment
	Init
)

// String is the kind's name in logs and as the label of a metric.
func (k Kind) String() string {
	switch k {
	case MediaPlaylist:
		return "playlist"
	case Multivariant:
		return "multivariant"
	case MPD:
		return "mpd"
	case Segment:
		return "segment"
	case Init:
		return "init"
	default:
		return "other"
	}
}

// IsPlaylist tells whether objects of this kind list others.
func IsPlaylist(k Kind) bool { return k == MediaPlaylist || k == Multivariant || k == MPD }

// types is a row for each extension: what it is, and its content type
// (DASH-IF ingest table 6, RFC 8216, RFC 9317).
var types = map[string]struct {
	kind    Kind
	content string
}{
	".m3u8": {MediaPlaylist, "application/vnd.apple.mpegurl"},
	".m3u":  {MediaPlaylist, "application/vnd.apple.mpegurl"},
	".mpd":  {MPD, "application/dash+xml"},
	".ts":   {Segment, "video/mp2t"},
	".m4s":  {Segment, "video/iso.segment"},
	".m4f":  {Segment, "video/iso.segment"},
	".mp4":  {Segment, "video/mp4"},
	".m4v":  {Segment, "video/mp4"},
	".cmfv": {Segment, "video/mp4"},
	".m4a":  {Segment, "audio/mp4"},
	".cmfa": {Segment, "audio/mp4"},
	".cmft": {Segment, "application/mp4"},
	".cmfm": {Segment, "application/mp4"},
	".init": {Init, "video/mp4"},
	".aac":  {Segment, "audio/aac"},
	".mp3":  {Segment, "audio/mpeg"},
	".ac3":  {Segment, "audio/ac3"},
	".ec3":  {Segment, "audio/eac3"},
	".webm": {Segment, "video/webm"},
	".vtt":  {Segment, "text/vtt; charset=utf-8"},
	".ttml": {Segment, "application/ttml+xml"},
	".key":  {Other, "application/octet-stream"},
	".jpg":  {Other, "image/jpeg"},
	".png":  {Other, "image/png"},
	".html": {Other, "text/html; charset=utf-8"},
	".json": {Other, "application/json"},
	".js":   {Other, "text/javascript; charset=utf-8"},
	".txt":  {Other, "text/plain; charset=utf-8"},
}

// KindOf tells the kind of an object by its extension or, for an extension that
// says nothing, by its content type.
func KindOf(name, contentType string) Kind {
	base := strings.ToLower(path.Base(name))
	ext := path.Ext(base)
	if row, ok := types[ext]; ok {
		if row.kind == Segment && isInit(base, ext) {
			return Init
		}
		return row.kind
	}
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	switch kind = strings.TrimSpace(kind); kind {
	case "application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl":
		return MediaPlaylist
	case "application/dash+xml":
		return MPD
	case "video/iso.segment", "text/vtt", "application/ttml+xml", "application/mp4":
		return Segment
	}
	if strings.HasPrefix(kind, "video/") || strings.HasPrefix(kind, "audio/") {
		return Segment
	}
	return Other
}

// isInit knows initialisation segments by the names that packagers give them:
// init.mp4, init-stream0.m4s, video_init.mp4.
func isInit(base, ext string) bool {
	switch ext {
	case ".mp4", ".m4s", ".m4v", ".m4a", ".cmfv", ".cmfa", ".cmft", ".webm":
		stem := strings.TrimSuffix(base, ext)
		return strings.HasPrefix(stem, "init") || strings.HasSuffix(stem, "init")
	}
	return false
}

// IsEntry tells whether a viewer may begin with this path.
func IsEntry(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return ext == ".m3u8" || ext == ".mpd"
}

// ContentType is the content type for a path.
func ContentType(name string) string {
	if row, ok := types[strings.ToLower(path.Ext(name))]; ok {
		return row.content
	}
	return "application/octet-stream"
}
