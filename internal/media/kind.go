package media

import (
	"bytes"
	"path"
	"strings"

	"tandem/internal/media/companion"
	"tandem/internal/media/scan"
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
	Companion // JSON that a manifest names along: an asset list, a steering manifest
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
	case Companion:
		return "companion"
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
	case "application/vnd.apple.mpegurl", "application/x-mpegurl", "application/mpegurl", "audio/mpegurl", "audio/x-mpegurl", "video/mpegurl", "video/x-mpegurl":
		return MediaPlaylist
	case "application/dash+xml", "application/dash-patch+xml", "video/vnd.mpeg.dash.mpd":
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
	return ext == ".m3u8" || ext == ".m3u" || ext == ".mpd"
}

// ContentType is the content type for a path.
func ContentType(name string) string {
	if row, ok := types[strings.ToLower(path.Ext(name))]; ok {
		return row.content
	}
	return "application/octet-stream"
}

// Sniff tells what a body is by how it begins: MediaPlaylist for any HLS playlist
// (Parse knows more), MPD for an MPD and for what stands for a part of one,
// Companion for what they name along, Other for what is no manifest. The beginning is
// enough, in UTF-8 or UTF-16: as much of it as Undecided wants.
func Sniff(head []byte) Kind {
	head, _ = UTF8(head)
	head = head[bom(head):]
	// Players differ on white space before it (RFC 8216 has none there): Shaka and
	// ExoPlayer pass over it.
	if tag, ok := bytes.CutPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("#EXTM3U")); ok && (len(tag) == 0 || scan.IsSpace(tag[0])) {
		return MediaPlaylist
	}
	for {
		head = bytes.TrimLeft(head, " \t\r\n")
		if companion.Is(head) {
			return Companion
		}
		if len(head) < 2 || head[0] != '<' {
			return Other
		}
		if head[1] != '!' && head[1] != '?' {
			break
		}
		head = head[scan.MarkupEnd(head, 0):]
	}
	end := bytes.IndexAny(head, " \t\r\n/>")
	if end < 0 {
		end = len(head)
	}
	switch name := string(scan.Local(head[1:end])); name {
	case "MPD", "Patch":
		return MPD
	case "Period", "AdaptationSet", "Representation", "SegmentList", "EventStream", "InitializationSet":
		tag := head[:min(len(head), maxTag)]
		if n := bytes.IndexByte(tag, '>'); n >= 0 {
			tag = tag[:n]
		}
		if name == "Period" || name == "AdaptationSet" || bytes.Contains(tag, []byte("urn:mpeg:dash:schema:mpd")) {
			return MPD
		}
	}
	return Other
}

// Undecided tells whether more of a body may make a manifest of what it begins
// with.
func Undecided(head []byte) bool {
	if mayBeWide(head) {
		return true
	}
	head, _ = UTF8(head)
	head = bytes.TrimLeft(head[bom(head):], " \t\r\n")
	const tag = "#EXTM3U"
	switch {
	case len(head) == 0:
		return true
	case head[0] == '<':
		return Sniff(head) == Other && undecidedRoot(head)
	case companion.Begins(head[0]):
		return len(head) < companion.Sniffed && !companion.Is(head)
	default:
		return len(head) <= len(tag) && strings.HasPrefix(tag, string(head))
	}
}

// Prologue is how much may stand before the root element of an MPD whose name and type
// don't say what it is, in bytes: comments, instructions, white space.
const Prologue = 64 << 10

// undecidedRoot tells whether a document's root element has yet to come, or the rest of
// its tag, by which alone some are known.
func undecidedRoot(head []byte) bool {
	for {
		head = bytes.TrimLeft(head, " \t\r\n")
		if len(head) > 1 && head[0] == '<' && (head[1] == '!' || head[1] == '?') {
			head = head[scan.MarkupEnd(head, 0):]
			continue
		}
		break
	}
	if len(head) == 0 || head[0] != '<' {
		return len(head) == 0
	}
	end := bytes.IndexAny(head, " \t\r\n/>")
	if end < 0 {
		return len(head) < maxTag
	}
	switch string(scan.Local(head[1:end])) {
	case "Representation", "SegmentList", "EventStream", "InitializationSet":
		return len(head) < maxTag && bytes.IndexByte(head, '>') < 0
	}
	return false
}

// maxTag is how much of a root element's tag is looked at.
const maxTag = 4096

// bom is the length of a byte order mark.
func bom(b []byte) int {
	if bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		return 3
	}
	return 0
}

// ManifestKind tells whether an answer is a manifest: by its content type or, as
// many origins say text/plain or nothing, by how its body begins.
func ManifestKind(contentType string, head []byte) Kind {
	if len(head) == 0 {
		return Other
	}
	if kind := Sniff(head); kind != Other {
		return kind
	}
	if kind := KindOf("", contentType); IsPlaylist(kind) {
		return kind
	}
	return Other
}
