package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"tandem/internal/wire"
)

// unsent are the viewer's fields that an edge does not get: they belong to the
// viewer's connection, or to a request's body.
var unsent = map[string]bool{
	"Connection": true, "Proxy-Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Http2-Settings": true, "Host": true,
	"Content-Length": true, "Content-Type": true, "Content-Encoding": true, "Expect": true,
}

// conditions are the fields that a request for the rest sets anew or must not have.
var conditions = map[string]bool{
	"Range": true, "If-Range": true, "If-Match": true, "If-None-Match": true, "If-Modified-Since": true, "If-Unmodified-Since": true,
}

const ownPrefix = "Tandem-"

// request writes the request: the viewer's own, or one for the rest.
func (k *response) request(to Target) []byte {
	b := make([]byte, 0, 1024)
	b = append(append(append(append(b, k.r.Method...), ' '), k.e.Target...), " HTTP/1.1\r\n"...)
	host := k.r.Host
	if host == "" {
		host = to.Addr
	}
	b = appendField(b, "Host", host)
	rest := k.begun && !k.proves()
	listed := k.r.Header["Connection"]
	for name, values := range k.r.Header {
		if unsent[name] || strings.HasPrefix(name, ownPrefix) || rest && conditions[name] || listed != nil && isListed(listed, name) {
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
	if !to.TLS { // else the connection shows who asks, and no secret goes over it
		b = appendField(b, wire.HeaderAuth, k.c.deps.Secret.Bearer())
	}
	b = appendField(b, wire.HeaderFrom, k.c.deps.Name)
	b = appendField(b, wire.HeaderViewer, k.e.Viewer)
	switch {
	case k.e.Entry != nil && k.e.EntryOnly:
		b = appendField(b, wire.HeaderManifest, wire.ManifestOnly)
	case k.e.Entry != nil:
		b = appendField(b, wire.HeaderManifest, wire.ManifestAsk)
	}
	if k.e.Pair != 0 {
		b = appendField(b, wire.HeaderPair, strconv.FormatUint(uint64(k.e.Pair), 10))
	}
	return append(b, "\r\n"...)
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
