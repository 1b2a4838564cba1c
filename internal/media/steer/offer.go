package steer

import (
	"encoding/hex"
	"strings"
)

// Pathway is one way to a session's media: HLS calls it so, DASH a service location.
type Pathway struct {
	ID   string
	Base string // "https://e1.example.com"
}

// Here is the id of the way by which an entry came, where it says no other one: HLS
// gives it to variants without PATHWAY-ID.
const Here = "."

// Offer is what an entry tells players.
type Offer struct {
	At     string    // target of the entry as the viewer asked for it: path and query
	Server string    // target of the steering manifest
	First  string    // id of the way to begin with
	Edges  []Pathway // the best one first
	Fronts []Pathway // balancers: where an MPD is asked for again, and the last resort for media
}

// Good tells that an offer can be written into a manifest as it is.
func (o *Offer) Good() bool {
	const breaks = "\"'<>\\ \t\r\n"
	return len(o.Edges) > 0 && o.First != "" && strings.HasPrefix(o.At, "/") && !strings.ContainsAny(o.At, breaks) && !strings.ContainsAny(o.Server, breaks)
}

// Under is where a reference in the entry leads below a base.
func (o *Offer) Under(base, ref string) string {
	path, _, _ := strings.Cut(o.At, "?")
	switch {
	case strings.HasPrefix(ref, "/"):
		return base + ref
	case strings.HasPrefix(ref, "?"):
		return base + path + ref
	default:
		return base + path[:strings.LastIndexByte(path, '/')+1] + ref
	}
}

// Relative tells that a reference leads to the host that the manifest came from. One
// that begins with a variable (EXT-X-DEFINE) leads nobody knows where.
func Relative(ref string) bool {
	if strings.HasPrefix(ref, "//") || strings.HasPrefix(ref, "{$") {
		return false
	}
	end := strings.IndexAny(ref, ":/?#")
	return end < 0 || ref[end] != ':'
}

// ID is an edge's name as an id: as it is where the characters of ids suffice and it is
// nobody else's id.
func ID(name string) string {
	if name == Here || strings.HasPrefix(name, "front-") {
		return "x-" + hex.EncodeToString([]byte(name))
	}
	for _, c := range []byte(name) {
		if !idByte(c) {
			return "x-" + hex.EncodeToString([]byte(name))
		}
	}
	return name
}

func idByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}
