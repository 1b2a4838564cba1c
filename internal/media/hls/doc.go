// Package hls reads HLS playlists (draft-pantos-hls-rfc8216bis, and the tags of
// others that are in use): which of their tags hold URIs, where segments, parts
// and initialisation segments are, what comes next.
//
// Always true:
//   - segments are their lines' places in the body: nothing is copied, and what a
//     target is is found by its hash;
//   - whatever a tag is called, a URI in it is led into the session; what is no
//     tag and no URI is not touched;
//   - a variable (EXT-X-DEFINE) means the same to a player before and after: it
//     gets the prefix where it is defined, or the places that use it do.
//
// A List never changes once it is parsed. The package starts no goroutine.
package hls
