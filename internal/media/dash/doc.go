// Package dash reads MPDs (ISO/IEC 23009-1): which of their elements hold URIs and
// what those are relative to, where segments are by every addressing, what comes
// next.
//
// Always true:
//   - templates, timelines and lists stay what they are: a segment is reckoned when
//     it is asked for, and a representation is found by what its URIs begin with;
//   - a URI is led by what it is relative to: the BaseURLs of the representations
//     that it is for, the MPD's, or the MPD itself;
//   - the text is gone through once, whatever is nested in what; what is not
//     closed, not opened, or declared by itself costs nothing.
//
// A Presentation never changes once it is parsed. The package starts no goroutine.
package dash
