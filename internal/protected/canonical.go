package protected

import "strings"

// Canonical is the path of a target as an origin may read it that decodes escapes,
// takes a backslash for a slash, several slashes for one, and has parameters behind a
// semicolon.
func Canonical(target string) string {
	path := target
	if end := strings.IndexByte(path, '?'); end >= 0 {
		path = path[:end]
	}
	if simple(path) {
		return path
	}
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
			if n := len(out); n == 0 || out[n-1] != '/' {
				out = append(out, '/')
			}
		case ';':
			parameter = true
		default:
			if !parameter {
				out = append(out, c)
			}
		}
	}
	return string(out)
}

// simple tells, quickly, that a path is canonical: the usual case.
func simple(path string) bool {
	for i := range len(path) {
		switch path[i] {
		case '%', '\\', ';':
			return false
		case '/':
			if i > 0 && path[i-1] == '/' {
				return false
			}
		}
	}
	return true
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
