// Package media understands manifests: HLS playlists (draft-pantos-hls-rfc8216bis)
// and MPDs (ISO/IEC 23009-1). What is one, where a session's prefix goes in, what
// a request's target is in it and what comes next, whether viewers of a live one
// may be given the next version.
//
// A Manifest is parsed once for a stored version and shared by all who ask. Its
// body is the caller's, as the origin meant it: whoever got it with a
// Content-Encoding decodes it first, and encodes what Edits make of it again. One in
// UTF-16 is read, and goes out, as UTF-8.
//
// Always true:
//   - what a manifest costs is bounded by its length: at most 4 times its bytes
//     are kept, its own as UTF-8 included, and what is done for it is proportional to them;
//     nothing is expanded, a template of a million segments is a template;
//   - a parser never panics and never refuses what a player might play: what is
//     malformed is passed over and told by Flaw, its URIs are led all the same;
//   - an edited body differs from the body in nothing but the beginnings of URIs (and
//     the hosts of pathway clones, see companion), and its length is known before its first byte is sent;
//   - a URI that is led leads to the prefix and the very target that it led to at
//     the origin (RFC 3986 section 5.2); one that can't be is counted;
//   - a sequence number grows along a track, and names the same segment in every
//     later version of the manifest, as far as that allows it.
//
// Manifests, Origins, Edits and Indexes never change once they are made.
//
// Never done here: fetching, storing, reading a clock, decoding a
// Content-Encoding.
//
// The package starts no goroutine.
package media
