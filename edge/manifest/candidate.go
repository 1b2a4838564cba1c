package manifest

import (
	"net/http"
	"strings"

	"tandem/edge/rules"
	"tandem/internal/media"
	"tandem/segstore"
)

// Readable tells whether an answer of that status may be a manifest: what a proxy before
// us has changed (203) is one all the same, and so is what an origin made of one for whoever
// asked (226), where it reads as one: a player plays that, like any 2xx. A part (206) is
// none. 0 is 200.
func Readable(status int) bool {
	switch status {
	case 0, http.StatusOK, http.StatusNonAuthoritativeInfo, http.StatusIMUsed:
		return true
	}
	return false
}

// Candidate tells whether a copy may be a manifest: what is no media object by its name,
// nor by a type of which nobody means one. What is one in spite of these has been given
// its true type when it came (Typed).
func Candidate(key string, m *segstore.Meta) bool {
	if !Readable(m.Status) {
		return false
	}
	switch media.KindOf(rules.PathOf(key), "") {
	case media.MediaPlaylist, media.Multivariant, media.MPD:
		return true
	case media.Other:
		return mayHoldText(m.ContentType)
	}
	return saysManifest(m.ContentType)
}

// Doubtful tells whether an answer that comes may be a manifest, so that its beginning is
// looked at: a Candidate, what has no name of media, whatever type it has, and what has
// one and is said to be text.
func Doubtful(key string, m *segstore.Meta) bool {
	if !Readable(m.Status) {
		return false
	}
	return media.KindOf(rules.PathOf(key), "") == media.Other || strings.HasPrefix(strings.ToLower(m.ContentType), "text/") || Candidate(key, m)
}

// Typed is the type of an answer that is a manifest by its bytes: its own, if that leaves
// it a Candidate, else the one of what it is.
func Typed(key string, m *segstore.Meta, kind media.Kind) string {
	switch {
	case Candidate(key, m):
		return m.ContentType
	case kind == media.MPD:
		return "application/dash+xml"
	case kind == media.Companion:
		return "application/json"
	}
	return "application/vnd.apple.mpegurl"
}

// TypeOf is the type of a copy that the origin calls unchanged, and by a type: what has
// been found to be a manifest stays one.
func TypeOf(had, said string) string {
	if saysManifest(had) && !saysManifest(said) {
		return had
	}
	return said
}

func saysManifest(contentType string) bool {
	switch contentType {
	case "", "video/mp4", "audio/mp4", "video/mp2t", "video/iso.segment", "application/octet-stream", "binary/octet-stream": // most of what is asked for
		return false
	}
	return media.IsPlaylist(media.KindOf("", contentType))
}

// mayHoldText leaves out the types of which nobody means a manifest. Of transport
// streams somebody does: a playlist goes out as what lies beside it.
func mayHoldText(contentType string) bool {
	contentType, _, _ = strings.Cut(strings.ToLower(contentType), ";")
	major, _, _ := strings.Cut(contentType, "/")
	switch major {
	case "video", "audio":
		return saysManifest(contentType) || strings.TrimSpace(contentType) == "video/mp2t"
	case "image", "font", "model":
		return false
	}
	return true
}
