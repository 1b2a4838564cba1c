// Package companion reads the JSON documents that manifests name and that lead a
// player on: asset lists of interstitials (X-ASSET-LIST, rfc8216bis appendix D) and
// steering manifests (rfc8216bis 7.1, ETSI TS 103 998), and chapters (EXT-X-SESSION-DATA
// com.apple.hls.chapters; Apple: Providing JSON chapters), whose pictures have URIs.
//
// Always true:
//   - a value is a URI by the name of its member, wherever that stands, and nothing
//     else is touched but a host of ours in a pathway clone;
//   - the text is gone through once, whatever is nested in what; what is no JSON
//     costs nothing, and its URIs are led as far as they are read;
//   - what holds none of these is no companion.
//
// A Document never changes. The package starts no goroutine.
package companion
