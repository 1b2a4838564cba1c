package edge

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// An edited manifest is an object like any other: of known length, with a strong
// validator, in parts; both members of a pair give the same. What is led by the way up
// is everybody's, what has the session's prefix in it its viewer's own.
func TestEditedManifestIsAnsweredInParts(t *testing.T) {
	o := newOrigin(t)
	spellings(t, o)
	_, edges := startRing(t, 2, o)
	id, _ := open(t, edges[0], 1, "/v/x/")
	prefix := "/s/" + tokenOf(id, "/v/x/")
	for _, c := range []struct{ path, want, life string }{
		{"/v/x/stored.m3u8", ledBy(up), "max-age=600"},
		{"/v/x/multivariant.m3u8", multivariantOf(ledBy(prefix)), "private, max-age=600"},
	} {
		resp, _ := get(t, edges[0].url+prefix+c.path)
		etag := resp.Header.Get("ETag")
		if !strings.HasPrefix(etag, `"r`) || resp.Header.Get("Cache-Control") != c.life {
			t.Fatal(c.path, resp.Header)
		}
		for _, e := range edges {
			slow := httptest.NewServer(e.Handler())
			defer slow.Close()
			before := e.counts.ways.Quick.Load()
			for _, base := range []string{e.url, slow.URL} { // on a loop and away
				checkParts(t, base+prefix+c.path, etag, c.want)
			}
			if e.counts.ways.Quick.Load() == before {
				t.Error("nothing was answered on a loop")
			}
		}
	}
}

func checkParts(t *testing.T, url, etag, want string) {
	t.Helper()
	for _, c := range []struct {
		method string
		header []string
		status int
		body   string
	}{
		{http.MethodGet, nil, 200, want},
		{http.MethodHead, nil, 200, ""},
		{http.MethodGet, []string{"Range", "bytes=40-129"}, 206, want[40:130]},
		{http.MethodGet, []string{"Range", "bytes=100-", "If-Range", etag}, 206, want[100:]},
		{http.MethodGet, []string{"Range", "bytes=100-", "If-Range", `"other"`}, 200, want},
		{http.MethodGet, []string{"Range", fmt.Sprintf("bytes=%d-", len(want))}, 416, ""},
		{http.MethodGet, []string{"If-None-Match", etag}, 304, ""},
	} {
		resp, body := fetched(t, c.method, url, c.header...)
		if resp.StatusCode != c.status || string(body) != c.body || c.status < 400 && resp.Header.Get("ETag") != etag || c.method == http.MethodHead && resp.ContentLength != int64(len(want)) {
			t.Errorf("%s %v: %s, %d bytes, %v", c.method, c.header, resp.Status, len(body), resp.Header)
		}
	}
}

func TestManifestIsEncodedOnceAVersion(t *testing.T) {
	o := newOrigin(t)
	list := "#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + strings.Repeat("#EXTINF:2,\nsegment.m4s\n", 200) + "#EXT-X-ENDLIST\n"
	o.handle(func(w http.ResponseWriter, r *http.Request) bool {
		if w.Header().Set("Cache-Control", "max-age=600"); strings.Contains(r.URL.Path, "no-transform") {
			w.Header().Set("Cache-Control", "max-age=600, no-transform")
		}
		text := list
		if strings.Contains(r.URL.Path, "rooted") {
			text = strings.ReplaceAll(list, "segment", "/segment")
		}
		_, _ = io.WriteString(w, text)
		return true
	})
	e := startEdge(t, Config{Origin: o.URL})
	checkEncoded(t, e.url+"/a.m3u8", list)
	checkEncoded(t, e.url+"/rooted.m3u8", strings.ReplaceAll(list, "segment", "./segment"))
	mark := "r" + e.manifests.Kept("/rooted.m3u8").Mark()
	if resp, _ := fetched(t, http.MethodGet, e.url+"/rooted.m3u8", "Accept-Encoding", "gzip"); !strings.Contains(resp.Header.Get("ETag"), mark) {
		t.Errorf("an edge that leads it otherwise would call it the same: %s without %s", resp.Header.Get("ETag"), mark)
	}
	if resp, body := fetched(t, http.MethodGet, e.url+"/no-transform.m3u8", "Accept-Encoding", "gzip"); resp.Header.Get("Content-Encoding") != "" || string(body) != list {
		t.Error("it was transformed all the same")
	}
}

func checkEncoded(t *testing.T, url, list string) {
	t.Helper()
	tags := map[string]string{}
	for _, c := range []struct{ accept, want string }{
		{"", ""}, {"gzip", "gzip"}, {"gzip, deflate, br, zstd", "zstd"}, {"gzip, deflate, br", "gzip"}, {"br", "br"}, {"zstd, gzip", "zstd"}, {"gzip;q=1, br;q=0.5", "gzip"}, {"*", "zstd"}, {"identity", ""}, {"gzip;q=0", ""}, {"br;q=x", ""},
	} {
		for range 2 {
			resp, body := fetched(t, http.MethodGet, url, "Accept-Encoding", c.accept)
			if got := resp.Header.Get("Content-Encoding"); got != c.want || resp.Header.Get("Vary") != "Accept-Encoding" || resp.ContentLength != int64(len(body)) {
				t.Errorf("%q: %q, %v", c.accept, got, resp.Header)
			}
			if decodedBy(t, c.want, body) != list || c.want != "" && len(body) > len(list)/4 {
				t.Errorf("%q: %d bytes of another list", c.accept, len(body))
			}
			if tag := resp.Header.Get("ETag"); tags[c.want] == "" {
				tags[c.want] = tag
			} else if tags[c.want] != tag {
				t.Errorf("%q: two validators of one form: %s, %s", c.accept, tag, tags[c.want])
			}
			if resp, _ := fetched(t, http.MethodGet, url, "Accept-Encoding", c.accept, "If-None-Match", tags[c.want]); resp.StatusCode != http.StatusNotModified {
				t.Errorf("%q: %s", c.accept, resp.Status)
			}
		}
	}
	if len(tags) != 4 || tags[""] == tags["gzip"] || tags["gzip"] == tags["br"] || tags["br"] == tags["zstd"] {
		t.Error(tags)
	}
}

func decodedBy(t *testing.T, coding string, body []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "br":
		r = brotli.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
