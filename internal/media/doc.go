// Package media understands playlists: what kind of object a path is, which
// segments a playlist lists in which order, what comes after a segment, and how
// a playlist's URIs stay inside a session.
//
// Always true:
//   - what is read is bounded: MaxPlaylist bytes, MaxSegments segments;
//   - a parser never panics, and its error names the line and what is wrong;
//   - Rewrite changes nothing but URIs, and gives back the same slice when there
//     is nothing to change;
//   - a sequence number grows along a Track, and names the same segment in every
//     later version of the same playlist, as far as the playlist allows it.
//
// Never done here: fetching, storing, reading a clock.
//
// The package starts no goroutine.
package media
