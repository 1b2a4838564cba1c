package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// maxStreamName bounds a stream's name, in bytes.
const maxStreamName = 1024

// StreamName is the name of the stream that a target is, or would be, the entry
// of: the folder in which the entry lies, as it is spelled. It is a name and no
// more: the stream's objects may lie anywhere at its origin, and what lies below
// the folder may be other streams. A name beyond the bound is cut, and told from
// others by its hash.
func StreamName(target string) string {
	path, _, _ := strings.Cut(target, "?")
	name := path[:strings.LastIndexByte(path, '/')+1]
	if len(name) <= maxStreamName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	mark := "~" + hex.EncodeToString(sum[:16]) + "/"
	return name[:maxStreamName-len(mark)] + mark
}

// unnamed begins what a session's stream is called whose name is not known.
const unnamed = "?"

// UnnamedStream is what a session's stream is called while no placement holds its name
// in tokens. No stream's name begins so.
func UnnamedStream(id uint64) string { return unnamed + strconv.FormatUint(id, 16) }

// IsUnnamed tells such a name.
func IsUnnamed(stream string) bool { return strings.HasPrefix(stream, unnamed) }

// NameHash is FNV-1a, 64 bits: it spreads names, and hides nothing.
func NameHash(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}
