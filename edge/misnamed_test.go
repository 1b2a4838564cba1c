package edge

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"tandem/internal/wire"
)

// misnamed is what an origin says of a manifest that nobody would take for one.
var misnamed = []struct {
	path, contentType string
	status            int
	read              bool
	told              string // to a balancer that asks whether it is an entry
}{
	{"/v/x/1", "image/jpeg", 200, true, wire.ManifestMedia},
	{"/v/x/2", "video/mp4", 200, true, wire.ManifestMedia},
	{"/v/x/3.jpg", "image/jpeg", 200, true, wire.ManifestMedia},
	{"/v/x/4.css", "font/woff2", 200, true, wire.ManifestMedia},
	{"/v/x/5.ts", "text/plain", 200, true, wire.ManifestMedia},
	{"/v/x/6.ts", "application/vnd.apple.mpegurl", 200, true, wire.ManifestMedia},
	{"/v/x/7.mp4", "text/html; charset=utf-8", 200, true, wire.ManifestMedia},
	{"/v/x/8.m3u8", "application/x-mpegurl", 203, true, wire.ManifestMedia},
	{"/v/x/9.m3u8", "text/plain", 206, true, wire.ManifestMedia}, // all of it
	{"/v/x/a.m3u8", "application/x-mpegurl", 226, true, wire.ManifestMedia},
	{"/v/x/b.ts", "video/mp2t", 200, false, ""},                 // nobody looks
	{"/v/x/part.m3u8", "application/x-mpegurl", 206, false, ""}, // some of it
}

// What a manifest is called, and by what status it comes, keeps nobody from reading it:
// kept, passed on, and when the origin calls it unchanged.
func TestManifestIsOneWhateverItIsCalled(t *testing.T) {
	o := newOrigin(t)
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		for _, m := range misnamed {
			if m.path != r.URL.Path {
				continue
			}
			h, body := w.Header(), listOf(o.URL)
			h.Set("Content-Type", m.contentType)
			h.Set("Cache-Control", "max-age=0")
			h.Set("ETag", `"1"`)
			if r.URL.RawQuery == "passed" {
				h.Set("Cache-Control", "no-store")
				h.Del("ETag")
			}
			if r.Header.Get("If-None-Match") != "" && m.status == 200 {
				c, _, err := w.(http.Hijacker).Hijack() // net/http's server would leave the type out
				if err == nil {
					_, _ = io.WriteString(c, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\nETag: \"1\"\r\nContent-Type: "+m.contentType+"\r\n\r\n")
					_ = c.Close()
				}
				return true
			}
			if m.status == 206 {
				total := len(body)
				if strings.Contains(m.path, "part") {
					total++
				}
				h.Set("Content-Range", "bytes 0-"+strconv.Itoa(len(body)-1)+"/"+strconv.Itoa(total))
			}
			h.Set("Content-Length", strconv.Itoa(len(body)))
			w.WriteHeader(m.status)
			_, _ = io.WriteString(w, body)
			return true
		}
		return false
	})
	e := startEdge(t, Config{Origin: o.URL})
	_, edges := startRing(t, 1, o)
	for _, m := range misnamed {
		status := m.status
		if status == 206 && m.read {
			status = 200
		}
		for _, how := range []string{"", "", "?passed"} {
			resp, body := get(t, e.url+m.path+how)
			if read := string(body) == ledBy(up); read != m.read || !read && string(body) != listOf(o.URL) || resp.StatusCode != status {
				t.Errorf("%s%s, %s, %d: %s\n%s", m.path, how, m.contentType, m.status, resp.Status, body)
			}
		}
		if resp, _ := get(t, edges[0].url+m.path, append(asNode(), wire.HeaderManifest, wire.ManifestAsk)...); resp.Header.Get(wire.HeaderManifest) != m.told {
			t.Errorf("%s, %s, %d is told to be %q", m.path, m.contentType, m.status, resp.Header.Get(wire.HeaderManifest))
		}
	}
}
