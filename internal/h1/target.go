package h1

import (
	"net/http"
	"net/url"
	"strings"
)

// Target is the target of a request as it stood in the request line: path and
// query, not decoded. Of the absolute form (RFC 9112 section 3.2.2) it is what is
// behind the authority.
func Target(r *http.Request) string {
	t := r.RequestURI
	if t == "" {
		return r.URL.RequestURI() // made by hand
	}
	if t[0] == '/' {
		return t
	}
	_, rest, ok := strings.Cut(t, "://")
	if !ok {
		return t // "*"
	}
	i := strings.IndexAny(rest, "/?")
	switch {
	case i < 0:
		return "/"
	case rest[i] == '?':
		return "/" + rest[i:]
	}
	return rest[i:]
}

// URL is where a target is at a host, to be asked for as it is spelled: net/url
// alone would spell it in a way of its own.
func URL(scheme, host, target string) *url.URL {
	if !strings.HasPrefix(target, "//") {
		return &url.URL{Scheme: scheme, Host: host, Opaque: target}
	}
	// As an opaque part it would be taken for an authority.
	raw, query, found := strings.Cut(target, "?")
	u := &url.URL{Scheme: scheme, Host: host, Path: raw, RawPath: raw, RawQuery: query, ForceQuery: found && query == ""}
	if path, err := url.PathUnescape(raw); err == nil {
		u.Path = path
	}
	return u
}
