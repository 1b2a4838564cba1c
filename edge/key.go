package edge

import (
	"net/url"
	"path"
	"strings"
)

// maxKey bounds a key, in bytes.
const maxKey = 4096

// keyOf is the name of an object in the store: its path at the origin and the
// query, without what names the viewer and not the object (CMCD, session ids).
// False: the path is not one.
func keyOf(urlPath, query string) (string, bool) {
	if urlPath == "" || urlPath[0] != '/' || len(urlPath)+len(query) > maxKey || strings.ContainsAny(urlPath, "\x00\r\n") || strings.Contains(query, variantMark) {
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

// pathOf is the path in a key.
func pathOf(key string) string {
	key, _, _ = strings.Cut(key, variantMark)
	p, _, _ := strings.Cut(key, "?")
	return p
}

// targetOf is a key as it stands in a request line.
func targetOf(key string) string {
	key, _, _ = strings.Cut(key, variantMark)
	p, query, found := strings.Cut(key, "?")
	target := (&url.URL{Path: p}).EscapedPath()
	if found {
		target += "?" + query
	}
	return target
}
