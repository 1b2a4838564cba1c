package rules

import (
	"net/http"
	"strings"
)

// KeepCookies has a session's viewer show the origin's cookies where it asks in the
// session: their paths are below its prefix.
func KeepCookies(h http.Header, prefix string) {
	for i, text := range h["Set-Cookie"] {
		if strings.HasPrefix(strings.ToLower(text), "__host-") {
			continue // browsers take it with the path "/" alone (RFC 6265bis section 4.1.3.2)
		}
		parts := strings.Split(text, ";")
		for j, part := range parts[1:] {
			name, value, _ := strings.Cut(part, "=")
			if path := strings.TrimSpace(value); strings.EqualFold(strings.TrimSpace(name), "path") && strings.HasPrefix(path, "/") {
				parts[j+1] = name + "=" + prefix + path
			}
		}
		h["Set-Cookie"][i] = strings.Join(parts, ";")
	}
}
