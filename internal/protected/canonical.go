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
	path, _ := canonical(target)
	return path
}

// Climbs tells whether such an origin finds "..", however it is written, in the path of a
// target: it reads another path then than who compares the beginning of what is written.
func Climbs(target string) bool {
	_, climbs := canonical(target)
	return climbs
}

func canonical(target string) (path string, climbs bool) {
	path, _, _ = strings.Cut(target, "?")
	if simple(path) {
		return path, false
	}
	for range decodings { // all of them before anything is read: "%252e." is ".."
		if strings.IndexByte(path, '%') < 0 {
			break
		}
		path = unescaped(path)
	}
	return followed(path)
}

// unescaped is a path whose escapes were decoded once.
func unescaped(path string) string {
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' && i+2 < len(path) && hex(path[i+1]) >= 0 && hex(path[i+2]) >= 0 {
			c = byte(hex(path[i+1])<<4 | hex(path[i+2]))
			i += 2
		}
		out = append(out, c)
	}
	return string(out)
}

// followed is a path without escapes as it leads, and whether a name in it was "..".
func followed(path string) (to string, climbs bool) {
	out, parameter := make([]byte, 0, len(path)), false
	for i := range len(path) {
		switch c := path[i]; c {
		case '/', '\\':
			parameter = false
			out, climbs = trimmed(out, climbs)
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
		out, climbs = trimmed(out, climbs)
		out = append(out, '/')
	}
	return string(out), climbs
}

// trimmed is a path whose last name has ended: without the dots and spaces at that
// name's end, and without the names that "." and ".." take with them; and whether there
// was a "..", where there was none before.
func trimmed(path []byte, climbs bool) ([]byte, bool) {
	start := bytes.LastIndexByte(path, '/') + 1
	if name := bytes.TrimRight(path[start:], ". "); len(name) > 0 {
		return path[:start+len(name)], climbs
	}
	switch name := bytes.TrimRight(path[start:], " "); string(name) {
	case ".":
		return path[:max(start-1, 0)], climbs
	case "..":
		return path[:max(bytes.LastIndexByte(path[:max(start-1, 0)], '/'), 0)], true
	}
	return path, climbs
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
