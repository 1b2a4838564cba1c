package cachekey

import (
	"bytes"
	"strings"

	"tandem/internal/media/uri"
)

// MaxKey bounds a target, and so a key, in bytes.
const MaxKey = 16 << 10

// cluster is where targets are relative to: no host, no folder.
var cluster = uri.Unnamed()

// Of is the key of a target. False: it is too long, no URI, or it would climb.
func Of(target string) (string, bool) {
	if target == "" || target[0] != '/' || len(target) > MaxKey {
		return "", false
	}
	if plain(target) {
		return target, true
	}
	path, query, asked := strings.Cut(target, "?")
	if !escapesWhole(path) {
		return "", false
	}
	key := cluster.AppendTarget(make([]byte, 0, len(target)+16), path)
	if asked && !strings.Contains(path, "#") {
		key = appendQuery(append(key, '?'), query)
	}
	return string(key), len(key) <= MaxKey && !climbs(string(key[:pathEnd(key)]))
}

// pathEnd is where the path of a key ends.
func pathEnd(key []byte) int {
	if n := bytes.IndexByte(key, '?'); n >= 0 {
		return n
	}
	return len(key)
}

// appendQuery appends a query in normal form. A parameter with a '%' that begins no
// escape ("sale=50%", as browsers send it) is as it came: undoing another escape in it
// could make one.
func appendQuery(dst []byte, query string) []byte {
	query, _, _ = strings.Cut(query, "#")
	if escapesWhole(query) {
		return uri.AppendNormal(dst, []byte(query))
	}
	for i, part := range strings.Split(query, "&") {
		if i > 0 {
			dst = append(dst, '&')
		}
		if escapesWhole(part) {
			dst = uri.AppendNormal(dst, []byte(part))
			continue
		}
		for j, text := range strings.Split(part, "%") {
			if j > 0 {
				dst = append(dst, '%')
			}
			dst = uri.AppendNormal(dst, []byte(text))
		}
	}
	return dst
}

// plain tells, quickly, that a target is in normal form: the usual case.
func plain(target string) bool {
	for i := range len(target) {
		c := target[i]
		if !ordinary[c] || c == '.' && target[i-1] == '/' {
			return false
		}
	}
	return true
}

// ordinary are the characters that stand for themselves in every target.
var ordinary = func() (table [256]bool) {
	for c := range table {
		table[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	}
	for _, c := range []byte("-._~!$&'()*+,;=:@/?") {
		table[c] = true
	}
	return table
}()

// escapesWhole tells that each '%' begins an escape: what comes behind one that
// does not could become one. A path with such a one is refused.
func escapesWhole(target string) bool {
	for i := strings.IndexByte(target, '%'); i >= 0; {
		if _, ok := uri.Unescape([]byte(target[i:min(i+3, len(target))]), 0); !ok {
			return false
		}
		next := strings.IndexByte(target[i+1:], '%')
		if next < 0 {
			return true
		}
		i += 1 + next
	}
	return true
}

// climbs tells whether a path would lead upwards for who takes an escaped slash
// for a slash, or "..;x" for "..", as servers do that give segments parameters.
func climbs(path string) bool {
	if !strings.Contains(path, "%2F") && !strings.Contains(path, "%5C") && !strings.Contains(path, "..;") && !strings.Contains(path, "..%3B") {
		return false // dot segments are gone
	}
	for part := range strings.SplitSeq(slashes.Replace(path), "/") {
		if part, _, _ = strings.Cut(part, ";"); part == "." || part == ".." {
			return true
		}
	}
	return false
}

var slashes = strings.NewReplacer("%2F", "/", "%5C", "/", "%3B", ";")

// Path is the path of a key.
func Path(key string) string {
	path, _, _ := strings.Cut(key, "?")
	return path
}
