package protected

import (
	"bytes"
	"strings"
)

// decodings is how often escapes are decoded: one that stands before an origin may have
// decoded a path, and asks it anew.
const decodings = 3

// Canonical is the path of a target as an origin may read it that decodes escapes, also
// those of escapes, takes a backslash for a slash, several slashes for one, has parameters
// behind a semicolon, follows dot segments, and passes over control characters, and over
// dots and spaces at the end of a name, as Windows does.
func Canonical(target string) string {
	path := target
	if end := strings.IndexByte(path, '?'); end >= 0 {
		path = path[:end]
	}
	for range decodings {
		if simple(path) {
			break
		}
		path = decoded(path)
	}
	return path
}

// decoded is a path whose escapes were decoded once.
func decoded(path string) string {
	out, parameter := make([]byte, 0, len(path)), false
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' && i+2 < len(path) && hex(path[i+1]) >= 0 && hex(path[i+2]) >= 0 {
			c = byte(hex(path[i+1])<<4 | hex(path[i+2]))
			i += 2
		}
		switch c {
		case '/', '\\':
			parameter = false
			out = trimmed(out)
			if n := len(out); n == 0 || out[n-1] != '/' {
				out = append(out, '/')
			}
		case ';':
			parameter = true
		default:
			if !parameter && c >= ' ' && c != 0x7f {
				out = append(out, c)
			}
		}
	}
	if name := out[bytes.LastIndexByte(out, '/')+1:]; string(name) == "." || string(name) == ".." {
		out = append(trimmed(out), '/')
	}
	return string(out)
}

// trimmed is a path whose last name has ended: without the dots and spaces at that
// name's end, and without the names that "." and ".." take with them.
func trimmed(path []byte) []byte {
	start := bytes.LastIndexByte(path, '/') + 1
	switch name := bytes.TrimRight(path[start:], ". "); {
	case len(name) > 0:
		return path[:start+len(name)]
	case string(path[start:]) == ".":
		return path[:max(start-1, 0)]
	case string(path[start:]) == "..":
		return path[:max(bytes.LastIndexByte(path[:max(start-1, 0)], '/'), 0)]
	}
	return path
}

// simple tells, quickly, that a path is canonical: the usual case.
func simple(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case c == '%', c == '\\', c == ';', c < ' ', c == 0x7f:
			return false
		case c == '/' && i > 0 && (path[i-1] == '/' || path[i-1] == '.' || path[i-1] == ' '):
			return false
		}
	}
	return !strings.HasSuffix(path, "/.") && !strings.HasSuffix(path, "/..")
}

func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
