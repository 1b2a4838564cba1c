package media

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"tandem/internal/media/uri"
)

// strayed is how much of a body is looked through for hosts, in bytes.
const strayed = 64 << 10

// Stray is a host that a manifest names, which is none of ours, and which viewers hardly reach:
// a private address, or a name without a domain of the public tree. Mostly it is the origin's
// own, by which that is asked behind a proxy. "": there is none at its beginning.
func (m *Manifest) Stray() string {
	if m.Foreign() == 0 {
		return ""
	}
	for body := m.draft.Body[:min(len(m.draft.Body), strayed)]; ; {
		i := bytes.Index(body, []byte("://"))
		if i < 0 {
			return ""
		}
		scheme, after := body[max(0, i-5):i], body[i+3:]
		n := max(bytes.IndexAny(after, "/?#\"'<> \t\r\n,"), 0)
		host := string(after[:n])
		if body = after; n == 0 || !bytes.HasSuffix(scheme, []byte("http")) && !bytes.Equal(scheme, []byte("https")) || !unreached(host) {
			continue
		}
		if _, class := m.draft.Origin.Resolve(nil, m.draft.Base, []byte("http://"+host+"/")); class == uri.Foreign {
			return host
		}
	}
}

// unreached tells that an authority is of no public network.
func unreached(authority string) bool {
	name := strings.ToLower(authority)
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, ']') {
		name = name[:i]
	}
	if at, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return at.IsPrivate() || at.IsLoopback() || at.IsLinkLocalUnicast()
	}
	return name != "" && (!strings.Contains(name, ".") || slices.ContainsFunc([]string{".local", ".internal", ".lan", ".svc", ".localdomain", ".home.arpa"}, func(end string) bool { return strings.HasSuffix(name, end) }))
}
