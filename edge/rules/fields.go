package rules

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"tandem/segstore"
)

// MaxFields bounds the kept fields of an object, in bytes. An answer with more is
// passed through and not stored.
const MaxFields = 8 << 10

// endToEnd tells whether a field goes beyond one connection (RFC 9110 section
// 7.6.1). listed are those that Connection names. Names are canonical. The
// cluster's own ones never do, nor what viewers are known by (CMCD, sessions).
func endToEnd(name string, listed []string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info", "Proxy-Connection",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "X-Playback-Session-Id",
		"Surrogate-Control": // it is for caches like this one, whatever they make of it
		return false
	}
	return !IsTag(name) && !strings.HasPrefix(name, "Tandem-") && !strings.HasPrefix(name, "Cmcd-") && !slices.Contains(listed, name)
}

// maxHops is how many caches in a row are believed.
const maxHops = 32

// Looped tells whether CDN-Loop says that a request has been here before, at the
// cache of that id, or at more caches than stand in a row anywhere (RFC 8586).
func Looped(h http.Header, id string) bool {
	hops := 0
	for _, line := range h["Cdn-Loop"] {
		for member := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(member, ";")
			if hops++; hops > maxHops || strings.Trim(name, " \t") == id {
				return true
			}
		}
	}
	return false
}

// listedIn are the fields that Connection names, canonical.
func listedIn(h http.Header) []string {
	var names []string
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			names = append(names, http.CanonicalHeaderKey(strings.Trim(name, " \t")))
		}
	}
	return names
}

// Carry copies the end-to-end fields that keep allows.
func Carry(to, from http.Header, keep func(name string) bool) {
	listed := listedIn(from)
	for name, values := range from {
		if endToEnd(name, listed) && keep(name) {
			to[name] = slices.Clone(values) // so that one more can be added
		}
	}
}

// apart tells whether a field of an answer has a place of its own in an object's
// metadata, or is made anew for every answer.
func apart(name string) bool {
	switch name {
	case "Content-Type", "Etag", "Last-Modified", "Cache-Control", "Content-Encoding", "Expires", "Content-Length", "Age", "Accept-Ranges",
		"Set-Cookie", "Timing-Allow-Origin", "Cross-Origin-Resource-Policy":
		return true
	}
	return false
}

// Wholly tells whether a field is true of the whole body alone.
func Wholly(name string) bool {
	return name == "Content-Range" || name == "Content-Md5" || name == "Content-Digest"
}

// LinesOf are the fields that are kept with an object beside its metadata, as
// they go out: those of the whole body, Date, then the others by name. An answer
// without Date gets one (RFC 9110 section 6.6.1).
func LinesOf(h http.Header, now time.Time) string {
	listed := listedIn(h)
	var first, rest []string
	for name := range h {
		switch {
		case !endToEnd(name, listed) || apart(name) || name == "Date" || name == "Access-Control-Allow-Origin" && !Credentialed(h):
		case Wholly(name):
			first = append(first, name)
		default:
			rest = append(rest, name)
		}
	}
	slices.Sort(first)
	slices.Sort(rest)
	date := h.Get("Date")
	if date == "" {
		date = now.UTC().Format(http.TimeFormat)
	}
	var b strings.Builder
	write := func(names []string) {
		for _, name := range names {
			for _, value := range h[name] {
				b.WriteString(name + ": " + value + "\r\n")
			}
		}
	}
	write(first)
	b.WriteString("Date: " + date + "\r\n")
	write(rest)
	return b.String()
}

// PartFields are the kept fields that are true of a part, too: from Date on.
func PartFields(lines string) string {
	const date = "Date: "
	if strings.HasPrefix(lines, date) {
		return lines
	}
	if i := strings.Index(lines, "\r\n"+date); i >= 0 {
		return lines[i+2:]
	}
	return ""
}

// HeaderOf is an object's head as it once came, as far as it is kept.
func HeaderOf(m *segstore.Meta) http.Header {
	h := HeaderWriter{http.Header{}}
	h.Lines(m.Fields)
	for name, value := range map[string]string{
		"Content-Type": m.ContentType, "Etag": m.ETag, "Last-Modified": m.LastModified, "Cache-Control": m.CacheControl,
		"Content-Encoding": m.Encoding, "Expires": m.Expires,
	} {
		if value != "" {
			h.Header[name] = []string{value}
		}
	}
	return h.Header
}

// HeaderWriter is an http.Header that takes lines as they are kept.
type HeaderWriter struct{ http.Header }

// Lines adds kept fields.
func (h HeaderWriter) Lines(text string) {
	for line := range strings.SplitSeq(text, "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			h.Header[name] = append(h.Header[name], value)
		}
	}
}
