package rules

import (
	"strings"

	"tandem/internal/wire"
)

// Front is by which scheme and host a viewer asks; "": it can't be written into a manifest.
func Front(h Fields, host string, node bool) string {
	if host == "" || strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") != "" {
		return ""
	}
	if strings.EqualFold(h.Get("X-Forwarded-Proto"), "https") || node && h.Get(wire.HeaderScheme) == "https" {
		return "https://" + host
	}
	return "http://" + host
}
