package media

import "strings"

// maxUp bounds what a URI that is led begins with, in bytes: about what a session's
// prefix has.
const maxUp = 60

// Up is the way from a media playlist's own folder to the root of its session, as a
// relative reference says it ("../.."): what its URIs are led with. It is the same for
// every session, so that one body is for all, and no player that compares the URIs of
// two versions sees another one when its session is placed anew.
//
// It is "" where the session's prefix leads: in multivariant playlists, whose
// variables other playlists use; in MPDs, where one BaseURL is what the next is
// relative to; and below an empty component of a path, which some players merge.
func (m *Manifest) Up() string {
	path, _, _ := strings.Cut(m.draft.Target, "?")
	n := strings.Count(path, "/") - 1
	switch {
	case m.kind != MediaPlaylist || n < 0 || 3*n > maxUp || strings.Contains(path, "//"):
		return ""
	case n == 0:
		return "."
	}
	return strings.TrimSuffix(strings.Repeat("../", n), "/")
}
