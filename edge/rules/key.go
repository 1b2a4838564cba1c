package rules

import (
	"net/url"
	"path"
	"strings"
)

// MaxKey bounds a key, in bytes.
const MaxKey = 4096

// KeyOf is the name of an object in the store: its path at the origin and the
// query, without what names the viewer and not the object (CMCD, session ids).
// False: the path is not one.
func KeyOf(urlPath, query string) (string, bool) {
	if urlPath == "" || urlPath[0] != '/' || len(urlPath)+len(query) > MaxKey || strings.ContainsAny(urlPath, "\x00\r\n") || strings.Contains(query, VariantMark) {
		return "", false
	}
	if strings.Contains(urlPath, "/.") || strings.Contains(urlPath, "//") {
		clean := path.Clean(urlPath)
		if strings.HasSuffix(urlPath, "/") && clean != "/" {
			clean += "/"
		}
		urlPath = clean
	}
	if query == "" {
		return urlPath, true
	}
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		switch name {
		case "", "CMCD", "sid", "_HLS_skip":
		default:
			kept = append(kept, part)
		}
	}
	if len(kept) == 0 {
		return urlPath, true
	}
	return urlPath + "?" + strings.Join(kept, "&"), true
}

// PathOf is the path in a key.
func PathOf(key string) string {
	key, _, _ = strings.Cut(key, VariantMark)
	p, _, _ := strings.Cut(key, "?")
	return p
}

// TargetOf is a key as it stands in a request line.
func TargetOf(key string) string {
	key, _, _ = strings.Cut(key, VariantMark)
	p, query, found := strings.Cut(key, "?")
	target := (&url.URL{Path: p}).EscapedPath()
	if found {
		target += "?" + query
	}
	return target
}
