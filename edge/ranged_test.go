package edge

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tandem/internal/h1"
)

// rangedOrigin gives lists, and media, that are not for the store, and parts of them.
func rangedOrigin(t *testing.T) (o *testOrigin, of map[string][]byte) {
	o = newOrigin(t)
	list := []byte(listOf(o.URL))
	of = map[string][]byte{
		"/v/x/a.m3u8": list, "/v/x/cookie.m3u8": list, "/v/x/gzip.m3u8": gzipped(t, string(list)), "/v/x/typed": list, "/v/x/stream": list, "/v/x/a.ts": list,
		"/v/x/vary.m3u8": list, "/v/x/film": bodyOf("film", 20_000), "/v/x/film.mp4": bodyOf("film", 20_000),
	}
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		switch r.URL.Path {
		case "/v/x/cookie.m3u8":
			h.Del("Cache-Control")
			h.Set("Set-Cookie", "a=b")
		case "/v/x/vary.m3u8":
			h.Set("Cache-Control", "max-age=60")
			h.Set("Vary", "*")
		case "/v/x/gzip.m3u8":
			h.Set("Content-Encoding", "gzip")
		case "/v/x/typed", "/v/x/a.ts":
			h.Set("Content-Type", "application/vnd.apple.mpegurl")
		case "/v/x/stream", "/v/x/film":
			h.Set("Content-Type", "application/octet-stream")
		case "/v/x/film.mp4":
			h.Set("Content-Type", "video/mp4")
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(of[r.URL.Path]))
		return true
	})
	return o, of
}

// What is asked for in parts is led as the whole is where it is a manifest that is not for the
// store: the parts are those of what goes out. Media goes on as it did.
func TestPartsOfManifestsThatAreNotStoredAreOfWhatGoesOut(t *testing.T) {
	o, of := rangedOrigin(t)
	_, edges := startRing(t, 2, o)
	id, _ := open(t, edges[0], 1, "/v/x/")
	alone, prefix := startEdge(t, Config{Origin: o.URL}), "/s/"+tokenOf(id, "/v/x/")
	led := ledBy(up)
	for path := range of {
		if strings.HasPrefix(path, "/v/x/film") {
			continue
		}
		for _, asked := range []string{"bytes=0-", "bytes=0-1", "bytes=0-99999", "bytes=20-120", "bytes=-9", "bytes=0-1,5-6", "bytes=99999-"} {
			for _, at := range []string{alone.url, edges[0].url + prefix} {
				resp, body := fetched(t, http.MethodGet, at+path, "Range", asked)
				status, want, extent := http.StatusOK, led, ""
				if x, ok := h1.ParseRange(asked); ok {
					if first, last, ok := x.Of(int64(len(led))); ok {
						status, want, extent = http.StatusPartialContent, led[first:last+1], fmt.Sprintf("bytes %d-%d/%d", first, last, len(led))
					} else {
						status, want, extent = http.StatusRequestedRangeNotSatisfiable, "", fmt.Sprintf("bytes */%d", len(led))
					}
				}
				if got := resp.Header.Get("Content-Range"); resp.StatusCode != status || string(body) != want || got != extent || resp.ContentLength != int64(len(want)) || resp.Header.Get("Content-Encoding") != "" {
					t.Errorf("%s, %s: %s, %q, %d bytes\n%s", path, asked, resp.Status, got, resp.ContentLength, body)
				}
			}
		}
		if resp, body := fetched(t, http.MethodGet, alone.url+path, "Range", "bytes=5-", "If-Range", `"x"`); resp.StatusCode != http.StatusOK || string(body) != led {
			t.Errorf("%s with If-Range: %s\n%s", path, resp.Status, body)
		}
		if resp, _ := fetched(t, http.MethodHead, alone.url+path, "Range", "bytes=0-1"); resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Range") != "" {
			t.Errorf("HEAD %s: %s %v", path, resp.Status, resp.Header)
		}
	}
	for _, path := range []string{"/v/x/film", "/v/x/film.mp4"} {
		get(t, alone.url+path, "Range", "bytes=5-6")
		before := o.count(path)
		for range 3 {
			if resp, body := get(t, alone.url+path, "Range", "bytes=10000-10999"); resp.StatusCode != http.StatusPartialContent || !bytes.Equal(body, of[path][10000:11000]) {
				t.Errorf("%s: %s, %d bytes", path, resp.Status, len(body))
			}
		}
		if n := o.count(path) - before; n != 3 {
			t.Errorf("%s: three parts cost the origin %d requests", path, n)
		}
	}
}
