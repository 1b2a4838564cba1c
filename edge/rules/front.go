package rules

import (
	"strings"

	"tandem/internal/wire"
)

// Front is by which scheme and host a viewer asks, as the proxy says that he asks, where there
// is one; "": it can't be written into a manifest.
func Front(h Fields, host string, node bool) string {
	if outer, _, _ := strings.Cut(h.Get("X-Forwarded-Host"), ","); outer != "" {
		host = strings.TrimSpace(outer)
	}
	if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") != "" {
		return ""
	}
	if strings.EqualFold(h.Get("X-Forwarded-Proto"), "https") || node && h.Get(wire.HeaderScheme) == "https" {
		return "https://" + host
	}
	return "http://" + host
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
