package rules

import (
	"slices"
	"strings"

	"tandem/internal/wire"
)

// Front is by which scheme and host a viewer asks, as the proxy says that he asks, where there
// is one; "": it can't be written into a manifest. A proxy that says nothing, and asks by a
// name of its own, is told from a viewer by the public names of the cluster, where they are
// set: the first one is the viewer's then.
func Front(h Fields, host string, node bool, public []string) string {
	https := strings.EqualFold(h.Get("X-Forwarded-Proto"), "https") || node && h.Get(wire.HeaderScheme) == "https"
	if outer, _, _ := strings.Cut(h.Get("X-Forwarded-Host"), ","); outer != "" {
		host = strings.TrimSpace(outer)
	} else if len(public) > 0 && !slices.ContainsFunc(public, func(name string) bool { return strings.EqualFold(nameOf(name), nameOf(host)) }) {
		scheme, name, found := strings.Cut(public[0], "://")
		if host = name; !found {
			host = scheme
		}
		host, _, _ = strings.Cut(host, "/")
		https = https || strings.EqualFold(scheme, "https") && found
	}
	if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") != "" {
		return ""
	}
	if https {
		return "https://" + host
	}
	return "http://" + host
}

// nameOf is the name of a host, without its port, or the scheme and path of a URL.
func nameOf(host string) string {
	if _, after, found := strings.Cut(host, "://"); found {
		host = after
	}
	host, _, _ = strings.Cut(host, "/")
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		host = host[:i]
	}
	return host
}

// ShortLife is a manifest's own life, so that a player's cache does not keep one of
// a session longer.
func ShortLife(cacheControl string) string {
	for part := range strings.SplitSeq(cacheControl, ",") {
		if part = strings.TrimSpace(part); strings.HasPrefix(part, "max-age=") {
			return part
		}
	}
	return "max-age=1"
}
