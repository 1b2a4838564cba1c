package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"tandem/internal/h1"
	"tandem/internal/wire"
	"tandem/lb/proxy/upstream"
)

// unsent are the viewer's fields that an edge does not get, by the length of their
// names: they belong to the viewer's connection, or to a request's body. Our own are
// others.
var unsent = func() (by [32][]string) {
	for _, name := range []string{
		"connection", "proxy-connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade",
		"http2-settings", "host", "content-length", "content-type", "content-encoding", "expect",
	} {
		by[len(name)] = append(by[len(name)], name)
	}
	return by
}()

const ownPrefix = "tandem-"

// isUnsent tells whether an edge does not get a field of the viewer's, in any case.
func isUnsent[T string | []byte](name T) bool {
	switch name[0] | 0x20 {
	case 't':
		if len(name) >= len(ownPrefix) && h1.Is(name[:len(ownPrefix)], ownPrefix) {
			return true
		}
	case 'c', 'p', 'k', 'u', 'h', 'e':
	default:
		return false
	}
	for _, other := range unsent[min(len(name), len(unsent)-1)] {
		if h1.Is(name, other) {
			return true
		}
	}
	return false
}

// isViewers tells whether a viewer gets a field of an edge's answer.
func isViewers(name []byte) bool {
	switch len(name) {
	case len("content-type"), len("content-length"), len("content-encoding"):
		if h1.Is(name, "content-type") || h1.Is(name, "content-length") || h1.Is(name, "content-encoding") {
			return true
		}
	case len(wire.HeaderReason):
		if h1.Is(name, reasonField) {
			return true
		}
	}
	return !isUnsent(name)
}

// conditions are the fields that a request for the rest sets anew or must not have.
var conditions = map[string]bool{
	"Range": true, "If-Range": true, "If-Match": true, "If-None-Match": true, "If-Modified-Since": true, "If-Unmodified-Since": true,
}

// request writes the request: the viewer's own, or one for the rest.
func (k *response) request(to upstream.Target) []byte {
	b := make([]byte, 0, 1024)
	b = appendLine(b, k.r.Method, k.e.Target, k.r.Host, to)
	rest := k.begun && !k.proves()
	listed := k.r.Header["Connection"]
	for name, values := range k.r.Header {
		if isUnsent(name) || rest && conditions[name] || listed != nil && isListed(listed, name) {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	if rest {
		text := "bytes=" + strconv.FormatInt(k.offset(), 10) + "-"
		if k.last >= 0 && k.status == http.StatusPartialContent {
			text += strconv.FormatInt(k.last, 10)
		}
		b = appendField(b, "Range", text)
		b = appendField(b, "If-Range", k.etag)
	}
	switch {
	case k.e.Entry != nil && k.e.EntryOnly:
		b = appendField(b, wire.HeaderManifest, wire.ManifestOnly)
	case k.e.Entry != nil:
		b = appendField(b, wire.HeaderManifest, wire.ManifestAsk)
	}
	return k.c.appendOwn(b, to, k.e.Viewer, k.e.Pair, k.r.TLS != nil)
}

// appendLine begins a request.
func appendLine(b []byte, method, target, host string, to upstream.Target) []byte {
	if host == "" {
		host = to.Addr
	}
	b = append(append(append(append(b, method...), ' '), target...), " HTTP/1.1\r\n"...)
	return appendField(b, "Host", host)
}

// appendOwn ends a request: what an edge is told of who asks, and for whom.
func (c *Proxy) appendOwn(b []byte, to upstream.Target, viewer string, pair wire.PairID, secure bool) []byte {
	if !to.TLS { // else the connection shows who asks, and no secret goes over it
		b = appendField(b, wire.HeaderAuth, c.deps.Secret.Bearer())
	}
	b = appendField(b, wire.HeaderFrom, c.deps.Name)
	b = appendField(b, wire.HeaderViewer, viewer)
	if secure {
		b = appendField(b, wire.HeaderScheme, "https")
	}
	if pair != 0 {
		b = strconv.AppendUint(append(b, wire.HeaderPair+": "...), uint64(pair), 10)
		b = append(b, crlf...)
	}
	return append(b, crlf...)
}

func appendField(b []byte, name, value string) []byte {
	return append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
}

// isListed tells whether Connection names the field.
func isListed(connection []string, name string) bool {
	for _, list := range connection {
		for item := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(item), name) {
				return true
			}
		}
	}
	return false
}

// isTarget refuses what would end the request line: net/http lets raw bytes
// through in a target.
func isTarget(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return s != "" && s[0] == '/'
}

// PathOf is the object's path, fit for a log: no token, no query.
func PathOf(requestTarget string) string {
	path, _, _ := strings.Cut(requestTarget, "?")
	_, path, _ = wire.SplitPath(path)
	return path
}
