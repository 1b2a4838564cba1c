package media

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
)

// Rewrite puts prefix ("/s/TOKEN") before the URIs of a playlist that would
// leave the session: root-relative ones, and absolute ones on our own hosts
// ("host" or "host:port"). Relative URIs and those on other hosts stay. With an
// empty prefix own absolute URIs become root-relative. When nothing is to be
// changed the same slice comes back, and false.
func Rewrite(kind Kind, body []byte, prefix string, ownHosts []string) ([]byte, bool) {
	r := rewriter{body: body, prefix: prefix, hosts: ownHosts}
	switch kind {
	case MediaPlaylist, Multivariant:
		r.m3u8()
	case MPD:
		r.mpd()
	default:
		return body, false
	}
	if len(r.edits) == 0 {
		return body, false
	}
	return r.apply(), true
}

// edit replaces body[from:to].
type edit struct {
	from, to int
	text     string
}

type rewriter struct {
	body   []byte
	prefix string
	hosts  []string
	edits  []edit // in order, not overlapping
	// foreign: a BaseURL leads to another host, and what is root-relative is
	// relative to that one's root.
	foreign bool
}

func (r *rewriter) apply() []byte {
	size := len(r.body)
	for _, e := range r.edits {
		size += len(e.text) - (e.to - e.from)
	}
	out := make([]byte, 0, size)
	at := 0
	for _, e := range r.edits {
		out = append(append(out, r.body[at:e.from]...), e.text...)
		at = e.to
	}
	return append(out, r.body[at:]...)
}

// uri rewrites the URI at body[from:to], white space around it excepted.
func (r *rewriter) uri(from, to int) {
	for from < to && isSpace(r.body[from]) {
		from++
	}
	for from < to && isSpace(r.body[to-1]) {
		to--
	}
	raw := r.body[from:to]
	// The fast way out: nearly every URI is relative.
	if len(raw) == 0 || raw[0] != '/' && !bytes.Contains(raw, []byte("://")) {
		return
	}
	if text, ok := r.moved(string(raw)); ok {
		r.edits = append(r.edits, edit{from, to, text})
	}
}

// moved is a URI with the prefix, and whether that is another one.
func (r *rewriter) moved(uri string) (string, bool) {
	path, own := r.path(uri)
	if !own {
		return "", false
	}
	if r.prefix == "" || !strings.HasPrefix(path, r.prefix+"/") {
		path = r.prefix + path
	}
	return path, path != uri
}

// path is the path and query of a URI at our own root.
func (r *rewriter) path(uri string) (path string, own bool) {
	rest := uri
	if scheme, after, ok := strings.Cut(uri, "://"); ok {
		if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return "", false
		}
		rest = after
	} else if rest, ok = strings.CutPrefix(uri, "//"); !ok {
		return uri, strings.HasPrefix(uri, "/") && !r.foreign
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host := rest[:end]
	if !slices.ContainsFunc(r.hosts, func(own string) bool { return host != "" && strings.EqualFold(own, host) }) {
		return "", false
	}
	path = rest[end:]
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return path, true
}

// abroad tells whether a URI names another host than ours.
func (r *rewriter) abroad(uri string) bool {
	u, err := url.Parse(strings.TrimSpace(uri))
	if err != nil || u.Host == "" {
		return false
	}
	_, own := r.path(strings.TrimSpace(uri))
	return !own
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// m3u8 rewrites URI lines and quoted URI attributes.
func (r *rewriter) m3u8() {
	at := 0
	for line := range bytes.Lines(r.body) {
		from, to := at, at+len(line)
		at = to
		if len(line) == 0 {
			continue
		}
		if line[0] != '#' {
			r.uri(from, to)
			continue
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 0 || !bytes.Contains(line, []byte(`URI="`)) {
			continue
		}
		a, b := attributeSpan(string(line[colon+1:]), "URI")
		r.uri(from+colon+1+a, from+colon+1+b)
	}
}
