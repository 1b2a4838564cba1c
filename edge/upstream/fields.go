package upstream

import (
	"net/http"
	"net/url"
	"strings"
)

// own makes the fields of an answer what they are where viewers ask: URIs of this
// upstream's are targets, cookies are of the host and the path that viewers see, and
// other ways to this server are none to the cluster (RFC 7838 is about one
// authority).
func (g *group) own(h http.Header, s *server, target string) {
	h.Del("Alt-Svc")
	if len(h["Content-Location"])+len(h["Link"])+len(h["Set-Cookie"]) == 0 {
		return
	}
	asked, err := s.parsed(target)
	if err != nil {
		return
	}
	for i, text := range h["Content-Location"] {
		h["Content-Location"][i] = g.reference(asked, text)
	}
	for i, text := range h["Link"] {
		h["Link"][i] = g.links(asked, text)
	}
	for i, text := range h["Set-Cookie"] {
		h["Set-Cookie"][i] = g.cookie(s, text)
	}
}

// reference is a URI reference, as a target where it is absolute or rooted and ours.
func (g *group) reference(asked *url.URL, text string) string {
	if !strings.HasPrefix(text, "/") && !strings.Contains(text, "://") {
		return text
	}
	to, err := asked.Parse(text)
	if err != nil {
		return text
	}
	if target, ok := g.target(to); ok {
		return target
	}
	return text
}

// links are those of a Link field (RFC 8288): what stands in angle brackets.
func (g *group) links(asked *url.URL, text string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<")
		ref, behind, closed := strings.Cut(rest, ">")
		if !found || !closed {
			out.WriteString(text)
			return out.String()
		}
		out.WriteString(before + "<" + g.reference(asked, ref) + ">")
		text = behind
	}
}

// cookie is one without the base path, and without a Domain that is this server's
// alone: no browser takes that from the cluster.
func (g *group) cookie(s *server, text string) string {
	parts := strings.Split(text, ";")
	kept := parts[:1]
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "domain":
			if host := strings.TrimPrefix(value, "."); strings.EqualFold(host, s.base.Hostname()) || strings.EqualFold(host, g.config.Host) {
				continue
			}
		case "path":
			if base := s.base.EscapedPath(); base != "" {
				if below, ok := strings.CutPrefix(value, base); ok && (below == "" || below[0] == '/') {
					part = name + "=/" + strings.TrimPrefix(below, "/")
				}
			}
		}
		kept = append(kept, part)
	}
	return strings.Join(kept, ";")
}
